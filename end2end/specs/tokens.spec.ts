import { expect, test } from "../fixtures/test";

test("a token is created, shown once, rotated and revoked", async ({ page, user }) => {
  await page.goto(user.path("tokens"));
  await expect(page.getByRole("heading", { name: "No API tokens yet" })).toBeVisible();
  await page.getByRole("link", { name: "Create token" }).click();
  await page.getByLabel("Name").fill("CRM");
  await page.getByRole("button", { name: "Create token" }).click();
  await expect(page.getByText("Choose at least one scope.").first()).toBeVisible();
  await expect(page.getByLabel("Name")).toHaveValue("CRM");
  await page.getByLabel("deliveries:read").check();
  await page.getByRole("button", { name: "Create token" }).click();

  await expect(page.getByRole("heading", { name: "Copy your token now" })).toBeVisible();
  await expect(page.locator("code", { hasText: /^oh_[\w-]{43}$/ })).toBeVisible();
  await page.getByRole("link", { name: "Done" }).click();
  await expect(page.getByText("Never used")).toBeVisible();
  await page.getByRole("link", { name: "CRM" }).click();
  await expect(page.locator("code", { hasText: /^oh_[\w-]{43}$/ })).toHaveCount(0);

  await page.getByLabel("Keep the current token active for").selectOption("1 hour");
  await page.getByRole("button", { name: "Rotate token" }).click();
  await expect(page.getByRole("heading", { name: "Copy your token now" })).toBeVisible();
  await page.getByRole("link", { name: "All tokens" }).click();
  await expect(page.getByText("Replaced, active until")).toBeVisible();

  await page.getByRole("link", { name: "CRM" }).first().click();
  await page.getByRole("link", { name: "Revoke" }).click();
  await page.getByRole("link", { name: "Cancel" }).click();
  await page.getByRole("link", { name: "Revoke" }).click();
  await expect(page.getByRole("heading", { name: "Revoke token CRM?" })).toBeVisible();
  await page.getByRole("button", { name: "Revoke token" }).click();
  await expect(page.getByText("CRM was revoked.")).toBeVisible();
  await expect(page.getByRole("link", { name: "Revoke" })).toHaveCount(0);
});
