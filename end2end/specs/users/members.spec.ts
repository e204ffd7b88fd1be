import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { PASSWORD, postSignUp } from "../../fixtures/account";
import { emailsTo, linkIn } from "../../fixtures/mail";
import { expect, test } from "../../fixtures/test";

const newEmail = () => `bob.${randomUUID()}@acme.example`;

/** Invites a member from the members page. */
async function invite(page: Page, members: string, email: string, role: string) {
  await page.goto(members);
  await page.getByRole("link", { name: "Invite member" }).click();
  await page.getByLabel("Email").fill(email);
  await page.getByLabel(role, { exact: true }).check();
  await page.getByRole("button", { name: "Send invitation" }).click();
  await expect(page).toHaveURL(members);
}

test("a new user is invited, joins, changes role and is removed", async ({ page, user, other }) => {
  const [email, members] = [newEmail(), user.path("members")];
  await invite(page, members, email, "Viewer");
  await expect(page.getByRole("status")).toContainText(`email an invitation to ${email}`);
  await expect(page.getByRole("region", { name: "Pending invitations" })).toContainText(email);

  const bob = await other();
  await bob.goto(await linkIn(email));
  await expect(bob.getByRole("heading", { level: 1 })).toHaveText("Join Acme Telephony");
  await expect(bob.getByText(`${user.email} has invited you`)).toBeVisible();
  await expect(bob.getByText("Your role: Viewer")).toBeVisible();
  await bob.getByLabel("Your name").fill("Bob");
  await bob.getByLabel("Password").fill("password1234");
  await bob.getByRole("button", { name: "Accept invitation" }).click();
  await expect(bob.getByRole("alert")).toContainText("commonly used password");
  await expect(bob.getByLabel("Your name")).toHaveValue("Bob");
  await bob.getByLabel("Password").fill(PASSWORD);
  await bob.getByRole("button", { name: "Accept invitation" }).click();
  await expect(bob).toHaveURL(user.path());

  await page.goto(members);
  const row = page.getByRole("listitem").filter({ hasText: email });
  await expect(row).toContainText("Viewer since");
  await row.getByRole("link", { name: `Change role of ${email}` }).click();
  await page.getByLabel("Developer", { exact: true }).check();
  await page.getByRole("button", { name: "Save role" }).click();
  await expect(page.getByRole("status")).toHaveText(`${email} now has the role developer.`);
  await bob.goto(user.path("endpoints/new"));
  await expect(bob.getByRole("button", { name: "Save", exact: true })).toBeVisible();

  await row.getByRole("link", { name: `Remove ${email}` }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Remove ${email}?`);
  await page.getByRole("button", { name: "Remove member" }).click();
  await expect(page.getByRole("status")).toContainText("was removed from the account");
  await expect(row).toHaveCount(0);
  await bob.reload();
  await expect(bob.getByRole("heading", { level: 1 })).toHaveText("This account doesn't exist, or you don't have access to it");
});

test("resending an invitation invalidates the earlier link, and an invitation can be revoked", async ({ page, user, other }) => {
  const email = newEmail();
  await invite(page, user.path("members"), email, "Admin");
  // An email that is still waiting would be replaced.
  const first = await linkIn(email);
  await page.getByRole("button", { name: `Resend invitation to ${email}` }).click();
  await expect(page.getByRole("status")).toContainText("The previous link no longer works");
  const second = await linkIn(email, 2);
  const bob = await other();
  await bob.goto(first);
  await expect(bob.getByRole("heading", { level: 1 })).toHaveText("This invitation can’t be used");
  await expect(bob.getByText("Look for a newer email")).toBeVisible();
  await bob.goto(second);
  await expect(bob.getByRole("button", { name: "Accept invitation" })).toBeVisible();
  await page.getByRole("button", { name: `Revoke invitation for ${email}` }).click();
  await expect(page.getByRole("status")).toContainText("was revoked");
  await bob.reload();
  await expect(bob.getByText("was withdrawn")).toBeVisible();
});

test("an existing user joins a second account and switches between accounts", async ({ page, user, other }) => {
  const bob = await other();
  const theirs = await postSignUp(bob.context().request);
  await invite(page, user.path("members"), theirs.email, "Developer");
  const link = await linkIn(theirs.email);
  await page.goto(link);
  await expect(page.getByText(`you’re signed in as ${user.email}`)).toBeVisible();
  await bob.goto(link);
  await bob.getByRole("button", { name: "Accept invitation" }).click();
  await expect(bob).toHaveURL(user.path("start"));
  await bob.getByRole("button", { name: /^Account:/ }).click();
  await bob.locator(`#accounts a[href="${theirs.path()}"]`).click();
  await expect(bob).toHaveURL(theirs.path("start"));
});

test("a user signed in with another email address is offered to switch", async ({ page, user }) => {
  const email = newEmail();
  await invite(page, user.path("members"), email, "Viewer");
  await page.goto(await linkIn(email));
  await page.getByRole("button", { name: "Sign out and continue" }).click();
  await expect(page.getByLabel("Your name")).toBeVisible();
});

test("an invalid invitation shows a field error, and the only admin can't leave", async ({ page, user }) => {
  const members = user.path("members");
  await page.goto(`${members}/invite`);
  await page.getByLabel("Email").fill(user.email);
  await page.getByLabel("Admin", { exact: true }).check();
  await page.getByRole("button", { name: "Send invitation" }).click();
  await expect(page.getByRole("alert")).toContainText("is already a member");
  await expect(page.getByLabel("Email")).toHaveValue(user.email);
  await expect(page.getByLabel("Admin", { exact: true })).toBeChecked();
  expect(emailsTo(user.email)).toEqual([]);
  await page.goto(members);
  await page.getByRole("link", { name: "Leave account" }).click();
  await page.getByRole("button", { name: "Leave account" }).click();
  await expect(page.getByRole("alert")).toContainText("is the only admin");
});
