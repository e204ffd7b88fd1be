// What only script can do: keep the list up to date without ever moving it under a pointer.
import type { Page } from "@playwright/test";
import { awake, expect, test } from "../../fixtures/test";

const rows = (page: Page) => page.locator("li[data-status]");

/** A value that is lost when the page is loaded again. */
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

test("a new row comes in at the top without the page being loaded again", async ({ page, api }) => {
  const { id } = (await api.deliveries())[0];
  await api.call();
  await expect(rows(page)).toHaveCount(2);
  await expect(rows(page).last()).toHaveId(id);
  expect(await isSamePage(page)).toBe(true);
});

test("while the pointer is on the list new rows wait, and nothing moves until they are asked for", async ({ page, api }) => {
  await rows(page).first().hover();
  const before = await rows(page).first().boundingBox();
  await api.call();
  await api.call();
  const show = page.getByRole("button", { name: "2 new · show" });
  await expect(show).toBeVisible();
  await expect(rows(page)).toHaveCount(1);
  expect(await rows(page).first().boundingBox()).toEqual(before);
  await show.click();
  await expect(rows(page)).toHaveCount(3);
  expect(await isSamePage(page)).toBe(true);
});

test("a row that is shown changes in place", async ({ page, api, receiver }) => {
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

test("live can be stopped and taken up again", async ({ page, api }) => {
  const live = page.getByRole("button", { name: "Live", exact: true });
  await live.click();
  await expect(live).toHaveAttribute("aria-pressed", "false");
  await api.call();
  await api.tried(2);
  await expect(rows(page)).toHaveCount(1);
  await live.click();
  await expect(rows(page)).toHaveCount(2);
});

test("filters apply to what comes in", async ({ page, person, api, receiver }) => {
  receiver.answers(200);
  await page.goto(person.path("deliveries?status=failed"));
  await awake(page);
  await expect(page.getByRole("heading", { level: 2 })).toHaveText("No deliveries match status failed");
  await api.call();
  await api.tried(2);
  // The tick of that delivery has been answered when the page has been asked for again.
  await page.waitForResponse((response) => response.url().includes("status=failed") && response.request().resourceType() === "xhr");
  await expect(page.getByRole("heading", { level: 2 })).toHaveText("No deliveries match status failed");
});

test("the page of a delivery shows its end by itself", async ({ page, person, api, receiver }) => {
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
