// Live updates: the list changes without moving content under the pointer. Needs script.
import type { Page } from "@playwright/test";
import { awake, expect, test } from "../../fixtures/test";

const rows = (page: Page) => page.locator("li[data-status]");

/** A value that a page reload would lose. */
const mark = (page: Page) => page.evaluate(() => Object.assign(window, { stillTheSamePage: true }));
const isSamePage = (page: Page) => page.evaluate(() => "stillTheSamePage" in window);

test.beforeEach(async ({ page, person, api, receiver }) => {
  await api.endpoint(receiver.url);
  await api.call();
  await api.tried(1);
  await page.goto(person.path("deliveries"));
  await awake(page);
  await mark(page);
});

test("a new row appears at the top without a page reload", async ({ page, api }) => {
  const { id } = (await api.deliveries())[0];
  await api.call();
  await expect(rows(page)).toHaveCount(2);
  await expect(rows(page).last()).toHaveId(id);
  expect(await isSamePage(page)).toBe(true);
});

test("new rows wait while the pointer is on the list", async ({ page, api }) => {
  await rows(page).first().hover();
  const before = await rows(page).first().boundingBox();
  await api.call();
  await api.call();
  const show = page.getByRole("button", { name: "Show 2 new" });
  await expect(show).toBeVisible();
  await expect(rows(page)).toHaveCount(1);
  expect(await rows(page).first().boundingBox()).toEqual(before);
  await show.click();
  await expect(rows(page)).toHaveCount(3);
  expect(await isSamePage(page)).toBe(true);
});

test("a row is updated in place", async ({ page, api, receiver }) => {
  receiver.answers("hold");
  const { id } = await api.call();
  const row = rows(page).first();
  await expect(rows(page)).toHaveCount(2);
  await expect(row).not.toHaveAttribute("data-status", "delivered");
  receiver.release();
  await expect(row).toHaveAttribute("data-status", "delivered");
  expect((await api.deliveries())[0].event_id).toBe(id);
  expect(await isSamePage(page)).toBe(true);
});

test("live updates can be paused and resumed", async ({ page, api }) => {
  const live = page.getByRole("button", { name: "Live", exact: true });
  await live.click();
  await expect(live).toHaveAttribute("aria-pressed", "false");
  await api.call();
  await api.tried(2);
  await expect(rows(page)).toHaveCount(1);
  await live.click();
  await expect(rows(page)).toHaveCount(2);
});

test("filters apply to live updates", async ({ page, person, api, receiver }) => {
  receiver.answers(200);
  await page.goto(person.path("deliveries?status=failed"));
  await awake(page);
  await expect(page.getByRole("heading", { level: 2 })).toHaveText("No deliveries match status failed");
  await api.call();
  await api.tried(2);
  // The island has handled the tick once it has fetched the page again.
  await page.waitForResponse((response) => response.url().includes("status=failed") && response.request().resourceType() === "xhr");
  await expect(page.getByRole("heading", { level: 2 })).toHaveText("No deliveries match status failed");
});

test("the page of a delivery shows the result without a reload", async ({ page, person, api, receiver }) => {
  receiver.answers("hold");
  await api.call();
  await expect(async () => expect(await api.deliveries()).toHaveLength(2)).toPass();
  const { id } = (await api.deliveries())[0];
  await page.goto(person.path(`deliveries/${id}`));
  await awake(page);
  await expect(page.getByRole("heading", { level: 1 })).not.toHaveText(/^Delivered/);
  receiver.release();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Delivered: 200 in /);
});
