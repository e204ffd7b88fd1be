import { PASSWORD, beginSignUp, signUp } from "../fixtures/account";
import { linkIn } from "../fixtures/mail";
import { expect, test } from "../fixtures/test";

test("a new user signs up and sees the form for the first delivery", async ({ page }) => {
  await signUp(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Set up your first endpoint");
});

test("an email that is taken gets the same page, and an email that says so", async ({ page, user, context }) => {
  await context.clearCookies();
  await beginSignUp(page, user.email);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Check your email");
  await page.goto(await linkIn(user.email));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in");
});

test("a weak password is rejected with an explanation, and the link still works", async ({ page }) => {
  await page.goto(await linkIn(await beginSignUp(page)));
  await page.getByLabel("Password").fill("too short");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("alert")).toContainText("12 characters");
  await expect(page.getByLabel("Password")).toHaveValue("");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page).toHaveURL(/\/start$/);
});
