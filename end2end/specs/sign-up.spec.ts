import { PASSWORD, signUp } from "../fixtures/account";
import { expect, test } from "../fixtures/test";

test("a new user signs up and sees the form for the first delivery", async ({ page }) => {
  await signUp(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Set up your first endpoint");
});

test("an email that is taken is rejected, and the form keeps its values", async ({ page, person, context }) => {
  await context.clearCookies();
  await page.goto("/sign-up");
  await page.getByLabel("Email").fill(person.email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByLabel("Account name").fill("Second Account");
  await page.getByLabel("Your name").fill("Ana");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("alert")).toContainText("A user with this email address already exists");
  await expect(page).toHaveTitle(/^Error: /);
  await expect(page.getByLabel("Email")).toHaveValue(person.email);
  await expect(page.getByLabel("Email")).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByLabel("Account name")).toHaveValue("Second Account");
  await expect(page.getByLabel("Your name")).toHaveValue("Ana");
  await expect(page.getByLabel("Password")).toHaveValue("");
});

test("a short password is rejected with an explanation", async ({ page }) => {
  await page.goto("/sign-up");
  await page.getByLabel("Email").fill("ana@acme.example");
  await page.getByLabel("Password").fill("too short");
  await page.getByLabel("Account name").fill("Acme Telephony");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("alert")).toContainText("12 characters");
  await expect(page.getByLabel("Account name")).toHaveValue("Acme Telephony");
});
