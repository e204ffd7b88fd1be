import { expect, test } from "../../fixtures/test";

test("deleting asks for confirmation, names what is lost, and keeps past deliveries", async ({ page, person, api, receiver }) => {
  const endpoint = await api.endpoint(receiver.url, { name: "CRM" });
  await api.call();
  await api.tried(1);
  await api.pause(endpoint.id);
  await api.call();
  await page.goto(person.path(`endpoints/${endpoint.id}`));
  await page.getByRole("link", { name: "Delete" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Delete endpoint CRM?");
  await expect(page.getByText("1 waiting event will be dropped")).toBeVisible();
  await page.getByRole("button", { name: "Delete endpoint" }).click();
  await expect(page).toHaveURL(person.path("endpoints"));
  await expect(page.getByRole("status")).toHaveText("Endpoint CRM deleted. 1 waiting event dropped. Past deliveries stay available.");
  await page.goto(person.path("deliveries"));
  await expect(page.locator('li[data-status="delivered"]')).toHaveCount(1);
  await expect(page.locator('li[data-status="cancelled"]')).toHaveCount(1);
});

test("pausing is offered as an alternative to deleting", async ({ page, person, api, receiver }) => {
  const endpoint = await api.endpoint(receiver.url, { name: "CRM" });
  await page.goto(person.path(`endpoints/${endpoint.id}/delete`));
  await page.getByRole("button", { name: "Pause instead" }).click();
  await expect(page).toHaveURL(person.path(`endpoints/${endpoint.id}`));
  await expect(page.getByRole("button", { name: "Resume" })).toBeVisible();
});

test("Cancel leaves the endpoint unchanged", async ({ page, person, api, receiver }) => {
  const endpoint = await api.endpoint(receiver.url, { name: "CRM" });
  await page.goto(person.path(`endpoints/${endpoint.id}/delete`));
  await page.getByRole("link", { name: "Cancel" }).click();
  await expect(page).toHaveURL(person.path(`endpoints/${endpoint.id}`));
  await expect(page.getByRole("button", { name: "Pause" })).toBeVisible();
});
