import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { PASSWORD, postSignUp } from "../../fixtures/account";
import { emails, linkIn } from "../../fixtures/mail";
import { expect, test } from "../../fixtures/test";

const newEmail = () => `bob.${randomUUID()}@acme.example`;

/** Invites somebody from the members page. */
async function invite(page: Page, members: string, email: string, role: string) {
  await page.goto(members);
  await page.getByRole("link", { name: "Invite somebody" }).click();
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel(role, { exact: true }).check();
  await page.getByRole("button", { name: "Send invitation" }).click();
  await expect(page).toHaveURL(members);
}

test("somebody new is invited, joins, gets another role and is removed", async ({ page, person, other }) => {
  const [email, members] = [newEmail(), person.path("members")];
  await invite(page, members, email, "Viewer");
  await expect(page.getByRole("status")).toContainText(`Invitation sent to ${email}`);
  await expect(page.getByRole("region", { name: "Invited, not yet here" })).toContainText(email);

  const bob = await other();
  await bob.goto(await linkIn(email));
  await expect(bob.getByRole("heading", { level: 1 })).toHaveText("Join Acme Telephony");
  await expect(bob.getByText(`${person.email} invites you`)).toBeVisible();
  await expect(bob.getByText("Your role: Viewer")).toBeVisible();
  await bob.getByLabel("Your name").fill("Bob");
  await bob.getByLabel("Password").fill("password1234");
  await bob.getByRole("button", { name: "Accept invitation" }).click();
  await expect(bob.getByRole("alert")).toContainText("tried first");
  await expect(bob.getByLabel("Your name")).toHaveValue("Bob");
  await bob.getByLabel("Password").fill(PASSWORD);
  await bob.getByRole("button", { name: "Accept invitation" }).click();
  await expect(bob).toHaveURL(person.path());

  await page.goto(members);
  const row = page.getByRole("listitem").filter({ hasText: email });
  await expect(row).toContainText("Viewer since");
  await row.getByRole("link", { name: `Change role of ${email}` }).click();
  await page.getByLabel("Developer", { exact: true }).check();
  await page.getByRole("button", { name: "Save role" }).click();
  await expect(page.getByRole("status")).toHaveText(`${email} has the role developer now.`);
  await bob.goto(person.path("endpoints/new"));
  await expect(bob.getByRole("button", { name: "Save only" })).toBeVisible();

  await row.getByRole("link", { name: `Remove ${email}` }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Remove ${email}?`);
  await page.getByRole("button", { name: "Remove member" }).click();
  await expect(page.getByRole("status")).toContainText("is no member any more");
  await expect(row).toHaveCount(0);
  await bob.reload();
  await expect(bob.getByRole("heading", { level: 1 })).toHaveText("The number you have dialled is not in service");
});

test("an invitation is sent again, which ends the earlier link, and withdrawn", async ({ page, person, other }) => {
  const email = newEmail();
  await invite(page, person.path("members"), email, "Admin");
  await page.getByRole("button", { name: `Send again to ${email}` }).click();
  await expect(page.getByRole("status")).toContainText("The earlier link has ended");
  const [first, second] = [await linkIn(email), await linkIn(email, 2)];
  const bob = await other();
  await bob.goto(first);
  await expect(bob.getByRole("heading", { level: 1 })).toHaveText("This invitation cannot be used");
  await expect(bob.getByText("withdrawn or replaced")).toBeVisible();
  await bob.goto(second);
  await expect(bob.getByRole("button", { name: "Accept invitation" })).toBeVisible();
  await page.getByRole("button", { name: `Withdraw the invitation of ${email}` }).click();
  await expect(page.getByRole("status")).toContainText("is withdrawn");
  await bob.reload();
  await expect(bob.getByText("was withdrawn")).toBeVisible();
});

test("somebody who has an account gets a second one, and changes between them", async ({ page, person, other }) => {
  const bob = await other();
  const theirs = await postSignUp(bob.context().request);
  await invite(page, person.path("members"), theirs.email, "Developer");
  const link = await linkIn(theirs.email);
  await page.goto(link);
  await expect(page.getByText(`you are signed in as ${person.email}`)).toBeVisible();
  await bob.goto(link);
  await bob.getByRole("button", { name: "Accept invitation" }).click();
  await expect(bob).toHaveURL(person.path("start"));
  await bob.getByRole("button", { name: /^Account:/ }).click();
  await bob.locator(`#accounts a[href="${theirs.path()}"]`).click();
  await expect(bob).toHaveURL(theirs.path("start"));
});

test("whoever is signed in as somebody else is offered to change over", async ({ page, person }) => {
  const email = newEmail();
  await invite(page, person.path("members"), email, "Viewer");
  await page.goto(await linkIn(email));
  await page.getByRole("button", { name: "Sign out and go on" }).click();
  await expect(page.getByLabel("Your name")).toBeVisible();
});

test("what cannot be invited is said at its field, and the only admin stays", async ({ page, person }) => {
  const members = person.path("members");
  await page.goto(`${members}/invite`);
  await page.getByLabel("E-mail").fill(person.email);
  await page.getByLabel("Admin", { exact: true }).check();
  await page.getByRole("button", { name: "Send invitation" }).click();
  await expect(page.getByRole("alert")).toContainText("is a member already");
  await expect(page.getByLabel("E-mail")).toHaveValue(person.email);
  await expect(page.getByLabel("Admin", { exact: true })).toBeChecked();
  expect(emails(person.email)).toEqual([]);
  await page.goto(members);
  await page.getByRole("link", { name: "Leave the account" }).click();
  await page.getByRole("button", { name: "Leave the account" }).click();
  await expect(page.getByRole("alert")).toContainText("is the only admin");
});
