import type { Page } from "@playwright/test";
import { PASSWORD } from "../../fixtures/account";
import { linkIn } from "../../fixtures/mail";
import { expect, test } from "../../fixtures/test";

const NEW = "violet kettle ran 7 miles";

async function signIn(page: Page, email: string, password: string) {
  await page.goto("/sign-in?next=%2Fme%2Fsecurity");
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("a forgotten password is reset with the emailed link, which works once", async ({ page, user, other }) => {
  const there = await other();
  await there.goto("/sign-in");
  await there.getByRole("link", { name: "Forgot your password?" }).click();
  await there.getByLabel("Email").fill(user.email);
  await there.getByRole("button", { name: "Send reset link" }).click();
  await expect(there.getByRole("status")).toContainText("The link is valid for one hour");
  const link = await linkIn(user.email);
  await there.goto(link);
  await there.getByLabel("New password").fill("short");
  await there.getByRole("button", { name: "Set password" }).click();
  await expect(there.getByRole("alert")).toContainText("12 characters");
  await there.getByLabel("New password").fill(NEW);
  await there.getByRole("button", { name: "Set password" }).click();
  await expect(there.getByRole("status")).toContainText("Your password was changed");
  await there.goto(link);
  await expect(there.getByText("This link has already been used")).toBeVisible();

  await page.goto(user.path());
  await expect(page).toHaveURL(/\/sign-in/);
  await signIn(there, user.email, NEW);
  await expect(there.getByRole("heading", { level: 1 })).toHaveText("Password and security");
});

test("a changed password signs out the other browsers and keeps this one", async ({ page, user, other }) => {
  const there = await other();
  await signIn(there, user.email, PASSWORD);
  await page.goto("/me/security");
  await page.getByLabel("Current password").fill("not my password");
  await page.getByLabel("New password").fill(NEW);
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByRole("alert")).toContainText("The current password is incorrect");
  await page.getByLabel("Current password").fill(PASSWORD);
  await page.getByLabel("New password").fill(NEW);
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByRole("status")).toContainText("Your password was changed");
  await there.reload();
  await expect(there.getByRole("status")).toContainText("Your session has expired");
});

test("failure alerts can be turned off and on", async ({ page, user }) => {
  await page.goto(user.path());
  await page.goto("/me");
  await page.getByRole("link", { name: "Failure alerts by email" }).click();
  const part = page.getByRole("region", { name: "Failure alerts by email" });
  await expect(part).toContainText("On. As an account admin");
  await part.getByRole("button", { name: /^Turn off/ }).click();
  await expect(page.getByRole("status")).toHaveText("Failure alerts are off.");
  await expect(part).toContainText("Off. Failures are still shown");
  await part.getByRole("button", { name: /^Turn on/ }).click();
  await expect(page.getByRole("status")).toHaveText("Failure alerts are on.");
  await expect(part).toContainText("On. As an account admin");
});

test("sessions are listed, and can be ended one by one or all at once", async ({ page, user, other }) => {
  const [one, two] = [await other(), await other()];
  await signIn(one, user.email, PASSWORD);
  await signIn(two, user.email, PASSWORD);
  await page.goto("/me/security");
  const rows = page.getByRole("region", { name: "Active sessions" }).getByRole("listitem");
  await expect(rows).toHaveCount(3);
  await expect(rows.first()).toContainText("This browser");
  await expect(rows.first()).toContainText("Chrome on");
  await rows.nth(1).getByRole("button", { name: /^Sign out/ }).click();
  await expect(page.getByRole("status")).toHaveText("That browser was signed out.");
  await expect(rows).toHaveCount(2);
  await page.getByRole("button", { name: "Sign out of all other browsers" }).click();
  await expect(page.getByRole("status")).toHaveText("Signed out of 1 other browser.");
  await expect(rows).toHaveCount(1);
  for (const out of [one, two]) {
    await out.goto("/me/security");
    await expect(out).toHaveURL(/\/sign-in/);
  }
});
