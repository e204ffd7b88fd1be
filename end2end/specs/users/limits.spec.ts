import { expect, test } from "../../fixtures/test";

test("settings show what the account may use, and what it uses", async ({ page, user, api }) => {
  await api.endpoint("https://crm.acme.example/calls");
  await page.goto(user.path("settings"));
  const limits = page.getByRole("region", { name: "Limits" });
  await expect(limits).toContainText("1 of 500");
  await expect(limits).toContainText("1 of 50 (crm.acme.example)");
  await expect(limits).toContainText("Up to 1,000");
});
