import { expect, test } from "../../fixtures/test";

const row = "main li:not(:has(h2))";

test("before the first event the log says what will be here", async ({ page, person }) => {
  await page.goto(person.path("events"));
  await expect(page.getByRole("heading", { level: 2 })).toHaveText("Every event of every call will be listed here");
});

test("an event that nobody listens for says so, and where to change that", async ({ page, person, api, receiver }) => {
  await api.endpoint(receiver.url);
  await api.call("OutgoingCall");
  await api.call("IncomingCall");
  await api.tried(1);
  await page.goto(person.path("events"));
  await expect(page.locator(row)).toHaveCount(2);
  await expect(page.locator(row).filter({ hasText: "IncomingCall" })).toContainText("For 1 endpoint");
  const unheard = page.locator(row).filter({ hasText: "OutgoingCall" });
  await expect(unheard).toContainText("Not sent: nobody listens for OutgoingCall");
  await unheard.getByRole("link", { name: "add it to an endpoint" }).click();
  await expect(page).toHaveURL(person.path("endpoints"));
});

test("the log is filtered by what was not sent, by event and by call", async ({ page, person, api, receiver }) => {
  await api.endpoint(receiver.url);
  await api.call("OutgoingCall");
  await api.call("IncomingCall");
  await page.goto(person.path("events"));
  await page.getByLabel("Not sent").check();
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(page.locator(row)).toHaveCount(1);
  expect(new URL(page.url()).searchParams.get("not_sent")).toBe("1");
  await expect(page.getByLabel("Not sent")).toBeChecked();
  await page.getByLabel("IncomingCall").check();
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(page.getByRole("heading", { level: 2 })).toHaveText("No event matches this filter");
  await page.getByRole("link", { name: "Clear filters" }).click();
  await expect(page.locator(row)).toHaveCount(2);
});
