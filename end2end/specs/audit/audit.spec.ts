import { expect, test } from "../../fixtures/test";

test("an admin filters the audit log by area and user, and exports it", async ({ page, person, api, receiver }) => {
  const { id } = await api.endpoint(receiver.url, { name: "CRM" });
  await api.pause(id);
  await page.goto(person.path("audit"));
  const records = page.getByRole("main").getByRole("listitem");
  await expect(records.filter({ hasText: "Account created" })).toBeVisible();
  await page.getByLabel("Area").selectOption("Endpoints");
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(page).toHaveURL(/area=endpoint/);
  await expect(records.filter({ hasText: "Endpoint paused" })).toContainText("by API token Browser tests");
  await expect(records.filter({ hasText: "Account created" })).toHaveCount(0);
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Export CSV" }).click();
  expect((await download).suggestedFilename()).toBe("audit.csv");
  await records.filter({ hasText: "Endpoint created" }).getByRole("link", { name: "CRM" }).click();
  await expect(page).toHaveURL(person.path(`endpoints/${id}`));
});

test("on a phone, navigation links that don't fit are in the More menu", async ({ page, person }) => {
  await page.setViewportSize({ width: 360, height: 780 });
  await page.goto(person.path("endpoints"));
  await expect(page.getByRole("link", { name: "Audit" })).toBeHidden();
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("link", { name: "Audit" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Audit log");
});
