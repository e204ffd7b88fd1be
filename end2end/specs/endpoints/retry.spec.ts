// Retry now: what waits for an endpoint is sent with two clicks; remedies are buttons.
import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import type { Api } from "../../fixtures/account";
import { expectAccessible } from "../../fixtures/axe";
import { Receiver } from "../../fixtures/receiver";
import { expect, test } from "../../fixtures/test";

/** An endpoint for which this many events wait after failed attempts. Its server still fails. */
async function waiting(api: Api, receiver: Receiver, events: number): Promise<string> {
  receiver.answers(503);
  const { id } = await api.endpoint(receiver.url, { name: "CRM", events: ["CallProcessed"] });
  for (let event = 1; event <= events; event++) {
    await ended(api);
    await api.tried(event);
  }
  return id;
}

/** Posts the end of a call. */
function ended(api: Api) {
  const call = { call_id: randomUUID(), call_cost: 0, call_type: "incoming", call_duration: 6, call_status: "answered" };
  const parties = { source: { type: "extension", id: 7048 }, destination: "01234567890" };
  return api.post(JSON.stringify({ event: "CallProcessed", ...call, ...parties }));
}

async function isDone(page: Page, heading: string) {
  await expect(async () => {
    await page.reload();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(heading, { timeout: 500 });
  }).toPass();
}

test("retrying everything that waits takes two clicks, and the job says what became of it", async ({ page, user, api, receiver }) => {
  await waiting(api, receiver, 3);
  await page.goto(user.path());
  receiver.answers(200);
  await page.getByRole("link", { name: "CRM" }).first().click();
  await page.getByRole("button", { name: "Retry 3 events now" }).click();
  await expect(page).toHaveURL(/\/jobs\/job_\w+$/);
  await isDone(page, "Done: all 3 events delivered");
  await expect(page.getByText("Every event has its final result.")).toBeVisible();
  await expectAccessible(page, "a finished retry");
  await page.getByRole("link", { name: "3 delivered" }).click();
  await expect(page.locator("li[data-status=delivered]")).toHaveCount(3);
});

test("the offer to retry is accessible, and is made with the keyboard alone", async ({ page, user, api, receiver }) => {
  const id = await waiting(api, receiver, 1);
  await page.goto(user.path(`endpoints/${id}`));
  await expectAccessible(page, "an endpoint with waiting events");
  receiver.answers(200);
  await page.goto(user.path(`endpoints/${id}`));
  await page.getByRole("button", { name: "Retry 1 event now" }).focus();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("combobox", { name: "Up to" })).toBeFocused();
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/jobs\//);
  await isDone(page, "Done: 1 event delivered");
});

test("one delivery is retried from its row and from its page", async ({ page, user, api, receiver }) => {
  await waiting(api, receiver, 2);
  const [newer, older] = await api.deliveries();
  await page.goto(user.path("deliveries?status=retrying"));
  receiver.answers(200);
  await page.locator(`#${newer.id}`).getByRole("button", { name: /^Retry now/ }).click();
  await expect(page).toHaveURL(user.path("deliveries?status=retrying"));
  await expect(page.getByRole("status").filter({ hasText: "Retrying now." })).toBeVisible();
  await page.goto(user.path(`deliveries/${older.id}`));
  await page.getByRole("button", { name: "Retry now" }).click();
  await expect.poll(async () => (await api.deliveries("?status=delivered")).length).toBe(2);
});

test("selected deliveries are retried with the keyboard, and all that match with two clicks", async ({ page, user, api, receiver }) => {
  await waiting(api, receiver, 3);
  const [newest] = await api.deliveries();
  await page.goto(user.path("deliveries"));
  await page.locator(`#${newest.id}`).getByRole("checkbox").focus();
  await page.keyboard.press("Space");
  await page.getByRole("button", { name: "Retry or resend selected…" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByText("1 selected delivery.")).toBeVisible();
  await expectAccessible(page, "retrying a selection");
  receiver.answers(200);
  await page.getByRole("button", { name: "Retry 1 event now" }).click();
  await isDone(page, "Done: 1 event delivered");
  await page.goto(user.path("deliveries?status=retrying"));
  await page.getByRole("link", { name: "Retry or resend all…" }).click();
  await page.getByRole("button", { name: "Retry 2 events now" }).click();
  await isDone(page, "Done: all 2 events delivered");
});

test("nothing selected is nothing, not everything", async ({ page, user, api, receiver }) => {
  await waiting(api, receiver, 1);
  await page.goto(user.path("deliveries"));
  await page.getByRole("button", { name: "Retry or resend selected…" }).click();
  await expect(page.getByText("No delivery is selected.")).toBeVisible();
  await expect(page.getByRole("button", { name: /^Retry \d/ })).toHaveCount(0);
});

test("resuming sends what was waiting for its next retry, as its message says", async ({ page, user, api, receiver }) => {
  const id = await waiting(api, receiver, 2);
  await api.pause(id);
  receiver.answers(200);
  await page.goto(user.path(`endpoints/${id}`));
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(page.getByRole("status").first()).toContainText("CRM is active again. What was waiting is sent now, oldest first");
  await expect.poll(async () => (await api.deliveries("?status=delivered")).length).toBe(2);
});

test("a redirect offers its URL: the endpoint uses it, is tested, and what waits is offered", async ({ page, user, api, receiver }) => {
  const moved = await Receiver.start();
  receiver.answers({ redirectTo: moved.url });
  const { id } = await api.endpoint(receiver.url, { name: "CRM", events: ["CallProcessed"] });
  await ended(api);
  const [delivery] = await api.tried(1);
  // Its third attempt is late enough not to come in between.
  const attempts = async () => (await api.deliveries())[0].attempt_count;
  await expect.poll(attempts, { timeout: 20_000 }).toBe(2);
  await page.goto(user.path(`deliveries/${delivery.id}`));
  await page.getByRole("button", { name: `Use ${moved.url}` }).click();
  await expect(page).toHaveURL(new RegExp(`/endpoints/${id}\\?dlv=`));
  await expect(page.getByText(`Events are now sent to ${moved.url}.`)).toBeVisible();
  await expect(page.getByText("The test was delivered.")).toBeVisible();
  await page.getByRole("button", { name: "Retry 1 event now" }).click();
  await isDone(page, "Done: 1 event delivered");
  expect(moved.requests).toHaveLength(2);
  await moved.stop();
});

for (const [status, name, heading] of [
  [404, "Edit URL", "Edit CRM"],
  [429, "Lower the rate", "Edit CRM"],
] as const) {
  test(`a ${status} offers: ${name}`, async ({ page, user, api, receiver }) => {
    receiver.answers(status);
    await api.endpoint(receiver.url, { name: "CRM", events: ["CallProcessed"] });
    await ended(api);
    const [delivery] = await api.tried(1);
    await page.goto(user.path(`deliveries/${delivery.id}`));
    await page.getByRole("link", { name }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(heading);
    await expect(page.getByLabel("Rate limit (events per second)")).toBeVisible({ visible: status === 429 });
    receiver.answers(200);
    await page.getByRole("button", { name: "Save and send test" }).click();
    await expect(page.getByRole("heading", { name: /Delivered/ })).toBeVisible();
  });
}

test("a server error offers a test, and a 410 to resume", async ({ page, user, api, receiver }) => {
  receiver.answers(500, 200, 410);
  await api.endpoint(receiver.url, { name: "CRM", events: ["CallProcessed"] });
  await ended(api);
  const [delivery] = await api.tried(1);
  await page.goto(user.path(`deliveries/${delivery.id}`));
  await page.getByRole("button", { name: "Send test" }).click();
  await expect(page.getByRole("heading", { name: /Delivered/ })).toBeVisible();
  await ended(api);
  await expect(async () => expect(await api.deliveries("?status=failed")).toHaveLength(1)).toPass();
  const [gone] = await api.deliveries("?status=failed");
  await page.goto(user.path(`deliveries/${gone.id}`));
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(page.getByRole("status").first()).toContainText("CRM is active again.");
});
