import type { Locator } from "@playwright/test";
import type { Api } from "../../fixtures/account";
import type { Receiver } from "../../fixtures/receiver";
import { expect, test } from "../../fixtures/test";

/** An endpoint that missed so many calls, each failed for good, and is in order again. */
async function outage(api: Api, receiver: Receiver, calls: number): Promise<string> {
  const { id } = await api.endpoint(receiver.url, { name: "CRM" });
  // Gone ends a delivery at once and pauses the endpoint, so that calls wait for each other.
  for (let call = 1; call <= calls; call++) {
    receiver.answers(410);
    await api.call();
    await api.tried(call);
    await api.resume(id);
  }
  receiver.answers(200);
  return id;
}

test("what failed is resent in at most 4 clicks, with the exact count before, and the job survives a reload", async ({
  page,
  person,
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
  await page.goto(person.path(`endpoints/${id}`));
  await click(page.getByRole("link", { name: "Recover…" }));
  await expect(page.getByRole("heading", { level: 2, name: /^Resend 3 failed events from .+, about 1 second$/ })).toBeVisible();
  expect(receiver.requests, "nothing happens before the click").toHaveLength(missed);
  await click(page.getByRole("button", { name: "Resend 3 events" }));
  await expect(page).toHaveURL(/\/jobs\/job_\w+$/);
  expect(clicks).toBeLessThanOrEqual(4);
  await expect(async () => {
    await page.reload();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Done: all 3 events resent", { timeout: 500 });
  }).toPass();
  await expect(page.getByRole("progressbar", { name: "Events resent" })).toHaveAttribute("value", "3");
  await expect.poll(() => receiver.requests.length).toBe(missed + 3);
});

test("a job is paused, goes on and is cancelled, and the endpoint's page leads to it", async ({ page, person, api, receiver }) => {
  const id = await outage(api, receiver, 2);
  await page.goto(person.path(`endpoints/${id}/recover`));
  await page.getByLabel("Events per second").fill("1");
  await page.getByRole("button", { name: "Count again" }).click();
  await page.getByRole("button", { name: "Resend 2 events" }).click();
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Paused at \d of 2 events$/);
  await page.goto(person.path(`endpoints/${id}/recover`));
  await page.getByRole("link", { name: "See the job" }).click();
  await page.getByRole("button", { name: "Cancel job" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Cancelled after \d of 2 events$/);
  await page.goto(person.path("jobs"));
  await expect(page.getByRole("link", { name: /^Cancelled after/ })).toBeVisible();
});

test("nothing to recover is told, and a wrong time is explained", async ({ page, person, api, receiver }) => {
  const { id } = await api.endpoint(receiver.url, { name: "CRM" });
  await page.goto(person.path(`endpoints/${id}/recover`));
  await expect(page.getByText("Nothing to recover: there is no failed event of")).toBeVisible();
  await page.goto(person.path(`endpoints/${id}/recover?from=2026-11-02T00:00&to=2026-11-01T00:00`));
  await expect(page.getByRole("alert")).toHaveText("The beginning must lie before the end, and in the past.");
});
