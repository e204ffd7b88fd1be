import { PASSWORD, signUp } from "../fixtures/account";
import { expect, test } from "../fixtures/test";

test("a person signs up and stands before the form for the first delivery", async ({ page }) => {
  await signUp(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Receive your first event");
});

test("an address that is taken is refused, and what was typed stays", async ({ page, person, context }) => {
  await context.clearCookies();
  await page.goto("/sign-up");
  await page.getByLabel("E-mail").fill(person.email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByLabel("Account name").fill("Second Account");
  await page.getByLabel("Your name").fill("Ana");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("alert")).toContainText("A user with this email address already exists");
  await expect(page).toHaveTitle(/^Error: /);
  await expect(page.getByLabel("E-mail")).toHaveValue(person.email);
  await expect(page.getByLabel("E-mail")).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByLabel("Account name")).toHaveValue("Second Account");
  await expect(page.getByLabel("Your name")).toHaveValue("Ana");
  await expect(page.getByLabel("Password")).toHaveValue("");
});

test("a short password is refused with the rule", async ({ page }) => {
  await page.goto("/sign-up");
  await page.getByLabel("E-mail").fill("ana@acme.example");
  await page.getByLabel("Password").fill("too short");
  await page.getByLabel("Account name").fill("Acme Telephony");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("alert")).toContainText("12 characters");
  await expect(page.getByLabel("Account name")).toHaveValue("Acme Telephony");
});
