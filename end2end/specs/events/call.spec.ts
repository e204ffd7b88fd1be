import { randomUUID } from "node:crypto";
import { PUBLISHED, parts } from "../../fixtures/published";
import { expect, test } from "../../fixtures/test";

test("an event shows its deliveries and its original payload", async ({ page, person, api, receiver }) => {
  await api.endpoint(receiver.url, { name: "CRM", events: ["CallProcessed"] });
  const { payload, timestamp } = parts(PUBLISHED[2]);
  const { id } = await api.post(payload, timestamp);
  await api.tried(1);
  await page.goto(person.path(`events/${id}`));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("CallProcessed");
  await expect(page.getByRole("region", { name: "Deliveries" })).toContainText("1 endpoint: 1 delivered");
  await expect(page.locator("li[data-status]")).toContainText("CRM");
  await expect(page.getByRole("region", { name: "Payload" })).toContainText(`"call_cost": 0.0`);
  await expect(page.getByRole("region", { name: "Details" })).toContainText("6 Oct 2017");
});

test("a call shows its events in order with their deliveries, and whether it has ended", async ({ page, person, api, receiver }) => {
  await api.endpoint(receiver.url, { events: ["IncomingCall", "CallProcessed"] });
  const call = randomUUID();
  await api.call("IncomingCall", call);
  await api.tried(1);
  await page.goto(person.path(`calls/${call}`));
  await expect(page.getByText("The call is in progress")).toBeVisible();
  const processed = parts(PUBLISHED[2]).payload.replace(/"call_id":"[^"]+"/, `"call_id":"${call}"`);
  await api.post(processed);
  await api.tried(2);
  await page.reload();
  await expect(page.getByRole("main").getByRole("heading", { level: 2 })).toHaveText(["IncomingCall", "CallProcessed"]);
  await expect(page.getByText("The call is in progress")).toHaveCount(0);
  await expect(page.locator("li[data-status]")).toHaveCount(2);
});

test("an unknown call is not found", async ({ page, person }) => {
  const response = await page.goto(person.path(`calls/${randomUUID()}`));
  expect(response?.status()).toBe(404);
});
