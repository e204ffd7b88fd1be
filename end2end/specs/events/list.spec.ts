import { expect, test } from "../../fixtures/test";

const row = "main li:not(:has(h2)):not(nav li)";

test("an empty event list explains what appears there", async ({ page, user }) => {
  await page.goto(user.path("events"));
  await expect(page.getByRole("heading", { level: 2 })).toHaveText("No events yet");
});

test("an event without a subscribed endpoint says so and links to the endpoints", async ({ page, user, api, receiver }) => {
  await api.endpoint(receiver.url);
  await api.call("OutgoingCall");
  await api.call("IncomingCall");
  await api.tried(1);
  await page.goto(user.path("events"));
  await expect(page.locator(row)).toHaveCount(2);
  await expect(page.locator(row).filter({ hasText: "IncomingCall" })).toContainText("1 endpoint");
  const unsent = page.locator(row).filter({ hasText: "OutgoingCall" });
  await expect(unsent).toContainText("Not sent: no endpoint is subscribed to OutgoingCall");
  await unsent.getByRole("link", { name: "Choose an endpoint" }).click();
  await expect(page).toHaveURL(user.path("endpoints"));
});

test("events are filtered by type and by whether they were sent", async ({ page, user, api, receiver }) => {
  await api.endpoint(receiver.url);
  await api.call("OutgoingCall");
  await api.call("IncomingCall");
  await page.goto(user.path("events"));
  await page.getByLabel("Not sent").check();
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(page.locator(row)).toHaveCount(1);
  expect(new URL(page.url()).searchParams.get("not_sent")).toBe("1");
  await expect(page.getByLabel("Not sent")).toBeChecked();
  await page.getByLabel("IncomingCall").check();
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(page.getByRole("heading", { level: 2 })).toHaveText("No events match this filter");
  await page.getByRole("link", { name: "Clear filters" }).click();
  await expect(page.locator(row)).toHaveCount(2);
});
