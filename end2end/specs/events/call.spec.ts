import { randomUUID } from "node:crypto";
import { PUBLISHED, parts } from "../../fixtures/published";
import { expect, test } from "../../fixtures/test";

test("an event shows its deliveries and its original payload", async ({ page, user, api, receiver }) => {
  await api.endpoint(receiver.url, { name: "CRM", events: ["CallProcessed"] });
  const { payload, timestamp } = parts(PUBLISHED[2]);
  const { id } = await api.post(payload, timestamp);
  await api.tried(1);
  await page.goto(user.path(`events/${id}`));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("CallProcessed");
  await expect(page.getByRole("region", { name: "Deliveries" })).toContainText("1 endpoint: 1 delivered");
  await expect(page.locator("li[data-status]")).toContainText("CRM");
  await expect(page.getByRole("region", { name: "Payload" })).toContainText(`"call_cost": 0.0`);
  await expect(page.getByRole("region", { name: "Details" })).toContainText("6 Oct 2017");
});

test("a call shows its events in order with their deliveries, and whether it has ended", async ({ page, user, api, receiver }) => {
  await api.endpoint(receiver.url, { events: ["IncomingCall", "CallProcessed"] });
  const call = randomUUID();
  await api.call("IncomingCall", call);
  await api.tried(1);
  await page.goto(user.path(`calls/${call}`));
  await expect(page.getByText("The call is in progress")).toBeVisible();
  const processed = parts(PUBLISHED[2]).payload.replace(/"call_id":"[^"]+"/, `"call_id":"${call}"`);
  await api.post(processed);
  await api.tried(2);
  await page.reload();
  await expect(page.getByRole("main").getByRole("heading", { level: 2 })).toHaveText(["Ring", "Answer", "End"]);
  await expect(page.getByText("The call is in progress")).toHaveCount(0);
  await expect(page.locator("ol [data-status=delivered]")).toHaveCount(2);
});

test("an unknown call is not found", async ({ page, user }) => {
  const response = await page.goto(user.path(`calls/${randomUUID()}`));
  expect(response?.status()).toBe(404);
});

for (const script of [true, false]) {
  test.describe(script ? "with script" : "without script", () => {
    test.use({ javaScriptEnabled: script });

    test("a number in any spelling leads to its call in two clicks", async ({ page, user, api, receiver }) => {
      await api.endpoint(receiver.url, { events: ["IncomingCall"] });
      const call = randomUUID();
      await api.post(`{"event":"IncomingCall","call_id":"${call}","callee_number":"7048","caller_number":"+44 (0)7700 900715"}`);
      await api.tried(1);
      await page.goto(user.path("calls"));
      for (const spelled of ["+44 7700 900715", "0044 7700-900715", "tel:+447700900715", "\u202a+447700900715\u202c"]) {
        await page.getByRole("searchbox", { name: "Phone number, extension or ID" }).fill(spelled);
        await page.getByRole("search", { name: "Calls" }).getByRole("button", { name: "Search" }).click();
        await expect(page.locator("li[data-call]")).toHaveCount(1);
      }
      await page.locator("li[data-call]").getByRole("link").click();
      await expect(page).toHaveURL(user.path(`calls/${call}`));
      await expect(page.getByRole("heading", { level: 2 }).first()).toHaveText("Ring");
    });
  });
}
