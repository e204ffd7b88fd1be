import { expect, test } from "../../fixtures/test";

test("a paused endpoint holds its events, and resuming sends them", async ({ page, person, api, receiver }) => {
  const endpoint = await api.endpoint(receiver.url, { name: "CRM" });
  await page.goto(person.path(`endpoints/${endpoint.id}`));
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByRole("status")).toContainText("CRM is paused.");
  await expect(page.getByRole("button", { name: "Pause" })).toHaveCount(0);

  await api.call();
  await page.reload();
  const status = page.getByRole("region", { name: "Status", exact: true });
  await expect(status).toContainText(/Paused since .*\. 1 event is waiting\./);
  await page.goto(person.path("deliveries"));
  await expect(page.locator("li[data-status]")).toContainText("Held: endpoint paused");
  expect(receiver.requests).toHaveLength(0);

  await page.goto(person.path(`endpoints/${endpoint.id}`));
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(page.getByRole("status")).toContainText("CRM is active again.");
  await expect.poll(() => receiver.requests.length).toBe(1);
});

test("an endpoint's page lists its own deliveries and links to all of them", async ({ page, person, api, receiver }) => {
  const endpoint = await api.endpoint(receiver.url, { name: "CRM" });
  await api.endpoint(`${receiver.url}/other`, { name: "Billing" });
  await api.call();
  await api.tried(2);
  await page.goto(person.path(`endpoints/${endpoint.id}`));
  await expect(page.locator("li[data-status]")).toHaveCount(1);
  await page.getByRole("link", { name: "All deliveries" }).click();
  await expect(page).toHaveURL(person.path(`deliveries?endpoint=${endpoint.id}`));
  await expect(page.locator("li[data-status]")).toHaveCount(1);
  await expect(page.getByRole("list", { name: "Active filters" })).toContainText("Endpoint CRM");
});

test("an endpoint of another account is not found", async ({ page, person }) => {
  const response = await page.goto(person.path("endpoints/ep_01kb4qz1a2b3c4d5e6f7g8h9jk"));
  expect(response?.status()).toBe(404);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("This endpoint doesn't exist, or belongs to another account");
});
