import type { Page } from "@playwright/test";
import { PASSWORD } from "../../fixtures/account";
import { emailsTo } from "../../fixtures/mail";
import { beginFactor, code, switchFactorOn, wrongCode } from "../../fixtures/authenticator";
import { expect, test } from "../../fixtures/test";

const CODE = "Code";

async function givePassword(page: Page, email: string, next = "/me/security") {
  await page.goto(`/sign-in?next=${encodeURIComponent(next)}`);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
}

async function giveCode(page: Page, typed: string) {
  await page.getByRole("textbox", { name: /ode$/ }).fill(typed);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("two-factor authentication is set up, confirmed, and then required after the password", async ({ page, user, other }) => {
  await page.goto("/me/security");
  await expect(page.getByRole("region", { name: "Two-factor authentication" })).toContainText("Off");
  await page.getByRole("link", { name: "Set up" }).click();
  await page.getByRole("button", { name: "Set up" }).click();
  await expect(page.getByRole("img", { name: "QR code of the key" })).toBeVisible();
  const key = await page.getByRole("definition").locator("code").innerText();
  expect(key).toMatch(/^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$/);
  await page.getByLabel(CODE, { exact: true }).fill(wrongCode(key));
  await page.getByRole("button", { name: "Turn on" }).click();
  await expect(page.getByRole("alert")).toContainText("Incorrect code");
  await expect(page.getByLabel(CODE, { exact: true })).toHaveValue("");
  await page.getByLabel(CODE, { exact: true }).fill(code(key));
  await page.getByRole("button", { name: "Turn on" }).click();
  await expect(page.getByRole("status").first()).toContainText("Two-factor authentication is on");
  const codes = page.getByRole("region", { name: "Save your recovery codes now" }).getByRole("listitem");
  await expect(codes).toHaveCount(10);
  await page.getByRole("link", { name: "Done" }).click();
  await expect(page.getByRole("region", { name: "Two-factor authentication" })).toContainText("10 recovery codes left");
  await expect(() => expect(emailsTo(user.email).join()).toContain("two-factor authentication")).toPass();

  const there = await other();
  const next = user.path("deliveries?status=failed");
  await givePassword(there, user.email, next);
  await expect(there.getByRole("heading", { level: 1 })).toHaveText("Enter your code");
  await expect(there.getByLabel(CODE, { exact: true })).toHaveAttribute("autocomplete", "one-time-code");
  await giveCode(there, wrongCode(key));
  await expect(there.getByRole("alert")).toContainText("Incorrect code");
  const following = code(key, 1);
  await giveCode(there, `${following.slice(0, 3)} ${following.slice(3)}`);
  await expect(there).toHaveURL(next);

  const third = await other();
  await givePassword(third, user.email);
  await giveCode(third, following);
  await expect(third.getByRole("alert")).toContainText("This code has already been used");
});

test("a user who has entered only a password is redirected to sign-in", async ({ page, user, other }) => {
  await switchFactorOn(page);
  const there = await other();
  await givePassword(there, user.email);
  await expect(there).toHaveURL(/\/sign-in\/verify/);
  for (const path of [user.path("endpoints"), "/me/security", "/me/security/second-factor"]) {
    await there.goto(path);
    await expect(there).toHaveURL(/\/sign-in\?/);
  }
  const stranger = await other();
  await stranger.goto("/sign-in/verify?next=%2Fme");
  await expect(stranger).toHaveURL("/sign-in?next=%2Fme");
});

test("a recovery code works once, and the page shows how many are left", async ({ page, user, other }) => {
  const { codes } = await switchFactorOn(page);
  const there = await other();
  const next = user.path("endpoints");
  await givePassword(there, user.email, next);
  await there.getByRole("link", { name: "Use a recovery code" }).click();
  await expect(there.getByRole("heading", { level: 1 })).toHaveText("Enter a recovery code");
  await giveCode(there, "0000-0000-0000-0000");
  await expect(there.getByRole("alert")).toContainText("Incorrect recovery code");
  await giveCode(there, codes[0].toUpperCase());
  await expect(there.getByRole("status").first()).toContainText("9 recovery codes left");
  await there.getByRole("link", { name: "Continue" }).click();
  await expect(there).toHaveURL(next);

  const third = await other();
  await givePassword(third, user.email);
  await third.getByRole("link", { name: "Use a recovery code" }).click();
  await giveCode(third, codes[0]);
  await expect(third.getByRole("alert")).toContainText("This recovery code has already been used");
  await third.getByRole("link", { name: "Use your authenticator app" }).click();
  await expect(third.getByRole("heading", { level: 1 })).toHaveText("Enter your code");
});

test("recovery codes are regenerated, and two-factor authentication is turned off with a code", async ({ page, user, other }) => {
  const before = await switchFactorOn(page);
  await page.getByRole("button", { name: "Generate new recovery codes" }).click();
  await expect(page.getByRole("status").first()).toContainText("New recovery codes generated");
  const codes = page.getByRole("region", { name: "Save your recovery codes now" }).getByRole("listitem");
  const after = await codes.allInnerTexts();
  expect(after).toHaveLength(10);
  expect(after.some((one) => before.codes.includes(one))).toBe(false);
  await page.getByLabel(CODE, { exact: true }).fill(before.codes[0]);
  await page.getByRole("button", { name: "Turn off" }).click();
  await expect(page.getByRole("alert")).toContainText("Incorrect recovery code");
  await page.getByLabel(CODE, { exact: true }).fill(code(before.key, 1));
  await page.getByRole("button", { name: "Turn off" }).click();
  await expect(page.getByRole("status").first()).toContainText("Two-factor authentication is off");
  await expect(page.getByRole("heading", { name: "Two-factor authentication is off" })).toBeVisible();
  const there = await other();
  await givePassword(there, user.email);
  await expect(there).toHaveURL("/me/security");
});

test("an unconfirmed key is kept, and setup can be cancelled", async ({ page, user }) => {
  const key = await beginFactor(page);
  await page.reload();
  await expect(page.getByRole("definition").locator("code")).toHaveText(key);
  await page.getByRole("link", { name: "Cancel" }).click();
  await expect(page.getByRole("region", { name: "Two-factor authentication" })).toContainText("Off");
  await page.goto(user.path("members"));
  await expect(page.getByText("Two-factor authentication off")).toBeVisible();
});
