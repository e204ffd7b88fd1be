import type { Locator } from "@playwright/test";
import type { Api } from "../../fixtures/account";
import type { Receiver } from "../../fixtures/receiver";
import { expect, test } from "../../fixtures/test";

/** An endpoint that missed this many calls and works again. */
async function outage(api: Api, receiver: Receiver, calls: number): Promise<string> {
  const { id } = await api.endpoint(receiver.url, { name: "CRM" });
  // A 410 fails a delivery immediately and pauses the endpoint.
  for (let call = 1; call <= calls; call++) {
    receiver.answers(410);
    await api.call();
    await api.tried(call);
    await api.resume(id);
  }
  receiver.answers(200);
  return id;
}

test("failed events are resent in at most 4 clicks after showing the exact count, and the job survives a reload", async ({
  page,
  user,
  api,
  receiver,
}) => {
  const id = await outage(api, receiver, 3);
  const missed = receiver.requests.length;
  let clicks = 0;
  const click = async (target: Locator) => {
    clicks += 1;
    await target.click();
  };
  await page.goto(user.path(`endpoints/${id}`));
  await click(page.getByRole("link", { name: "Recover…" }));
  // Rings are left out: they announced calls that have ended.
  await expect(page.getByText(/^Nothing to recover/)).toBeVisible();
  await expect(page.getByText(/^3 rings up to .+ old are left out\./)).toBeVisible();
  await click(page.getByRole("link", { name: "Include them" }));
  await expect(page.getByText(/^This includes 3 rings/)).toBeVisible();
  await expect(page.getByRole("heading", { level: 2, name: /^Resend 3 failed events from .+, about 1 second$/ })).toBeVisible();
  expect(receiver.requests, "nothing is resent before the click").toHaveLength(missed);
  await click(page.getByRole("button", { name: "Resend 3 events" }));
  await expect(page).toHaveURL(/\/jobs\/job_\w+$/);
  expect(clicks).toBeLessThanOrEqual(4);
  await expect(async () => {
    await page.reload();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Done: all 3 events delivered", { timeout: 500 });
  }).toPass();
  await expect(page.getByRole("progressbar", { name: "Events sent" })).toHaveAttribute("value", "3");
  await expect.poll(() => receiver.requests.length).toBe(missed + 3);
});

test("a job can be paused and cancelled, and the recovery page links to it", async ({ page, user, api, receiver }) => {
  const id = await outage(api, receiver, 2);
  await page.goto(user.path(`endpoints/${id}/recover`));
  await page.getByLabel("IncomingCall").check();
  await page.getByLabel("Events per second").fill("1");
  await page.getByRole("button", { name: "Update count" }).click();
  await page.getByRole("button", { name: "Resend 2 events" }).click();
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Paused at \d of 2 events$/);
  await page.goto(user.path(`endpoints/${id}/recover`));
  await page.getByRole("link", { name: "View job" }).click();
  await page.getByRole("button", { name: "Cancel job" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Cancelled after \d of 2 events$/);
  await page.goto(user.path("jobs"));
  await expect(page.getByRole("link", { name: /^Cancelled after/ })).toBeVisible();
});

test("an empty recovery is reported, and an invalid time range is explained", async ({ page, user, api, receiver }) => {
  const { id } = await api.endpoint(receiver.url, { name: "CRM" });
  await page.goto(user.path(`endpoints/${id}/recover`));
  await expect(page.getByText("Nothing to recover: no failed events from")).toBeVisible();
  await page.goto(user.path(`endpoints/${id}/recover?from=2026-11-02T00:00&to=2026-11-01T00:00`));
  await expect(page.getByRole("alert")).toHaveText("The start must be before the end, and in the past.");
});
