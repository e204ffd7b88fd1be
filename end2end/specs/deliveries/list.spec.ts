import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { refusedUrl } from "../../fixtures/receiver";
import { expect, test } from "../../fixtures/test";

const rows = (page: Page) => page.locator("li[data-status]");
const ids = (page: Page) => rows(page).evaluateAll((all) => all.map((row) => row.id));

test("an empty list explains what a delivery is and how to get one", async ({ page, person }) => {
  await page.goto(person.path("deliveries"));
  await expect(page.getByRole("heading", { level: 2 })).toHaveText("No deliveries yet");
  await page.getByRole("link", { name: "Send a test" }).click();
  await expect(page).toHaveURL(person.path("start"));
});

test("filters are part of the URL, and the URL fills in the filter form", async ({ page, person, api, receiver }) => {
  const good = await api.endpoint(receiver.url, { name: "Good", events: ["IncomingCall", "OutgoingCall"] });
  await api.endpoint(refusedUrl(), { name: "Bad" });
  await api.call("IncomingCall");
  await api.call("OutgoingCall");
  await api.tried(3);

  await page.goto(person.path("deliveries"));
  await expect(rows(page)).toHaveCount(3);
  await page.getByText("Filter", { exact: true }).click();
  const form = page.getByRole("search", { name: "Deliveries" });
  await form.getByLabel("Delivered").check();
  await form.getByLabel("IncomingCall").check();
  await form.getByLabel("Endpoint").selectOption("Good");
  await form.getByLabel("Time", { exact: true }).selectOption("Last 24 hours");
  await form.getByRole("button", { name: "Apply filters" }).click();
  await expect(rows(page)).toHaveCount(1);
  const query = new URL(page.url()).searchParams;
  expect(query.get("status")).toBe("delivered");
  expect(query.get("event")).toBe("IncomingCall");
  expect(query.get("endpoint")).toBe(good.id);
  expect(query.get("range")).toBe("24h");

  // A colleague opens the link: the same rows and the same form.
  const found = await ids(page);
  await page.goto("about:blank");
  await page.goto(person.path(`deliveries?${query}`));
  expect(await ids(page)).toEqual(found);
  await page.getByText("Filter", { exact: true }).click();
  await expect(form.getByLabel("Delivered")).toBeChecked();
  await expect(form.getByLabel("Failed")).not.toBeChecked();
  await expect(form.getByLabel("IncomingCall")).toBeChecked();
  await expect(form.getByLabel("Endpoint")).toHaveValue(good.id);
  await expect(form.getByLabel("Time", { exact: true })).toHaveValue("24h");

  // Each filter can be removed individually.
  const chips = page.getByRole("list", { name: "Active filters" });
  await expect(chips.getByRole("link")).toHaveText(["Remove filter: Delivered", "Remove filter: IncomingCall", "Remove filter: Endpoint Good", "Remove filter: Last 24 hours", "Clear filters"]);
  await chips.getByRole("link", { name: "IncomingCall" }).click();
  await expect(rows(page)).toHaveCount(2);
  await chips.getByRole("link", { name: "Clear filters" }).click();
  await expect(page).toHaveURL(person.path("deliveries"));
  await expect(rows(page)).toHaveCount(3);
});

test("deliveries are found by ID, call and phone number", async ({ page, person, api, receiver }) => {
  await api.endpoint(receiver.url);
  const call = randomUUID();
  await api.call("IncomingCall", call);
  await api.post(JSON.stringify({ event: "IncomingCall", call_id: randomUUID(), callee_number: "+441632960077", caller_number: "+441632960088" }));
  const tried = await api.tried(2);
  const search = page.getByRole("searchbox");
  const first = tried.find((row) => row.event === "IncomingCall")!;
  for (const text of [first.id, first.event_id, call, "+441632960077"]) {
    await page.goto(person.path("deliveries"));
    await search.fill(text);
    await page.getByRole("button", { name: "Search" }).click();
    await expect(rows(page), text).toHaveCount(1);
    await expect(search).toHaveValue(text);
  }
});

test("a filter without matches is described, with the part to remove", async ({ page, person, api, receiver }) => {
  await api.endpoint(receiver.url);
  await api.call();
  await api.tried(1);
  await page.goto(person.path("deliveries?status=failed&event=IncomingCall"));
  await expect(page.getByRole("heading", { level: 2 })).toHaveText("No deliveries match status failed, event IncomingCall");
  await expect(page.getByText("1 match without status failed.")).toBeVisible();
  await page.getByRole("link", { name: "Remove filter: status failed" }).click();
  await expect(page).toHaveURL(person.path("deliveries?event=IncomingCall"));
  await expect(rows(page)).toHaveCount(1);
});

test("paging shows every row exactly once", async ({ page, person, api, receiver }) => {
  await api.endpoint(receiver.url);
  for (let n = 0; n < 5; n++) await api.call();
  await api.tried(5);
  const all = (await api.deliveries()).map((row) => row.id);
  const pages: string[][] = [];
  await page.goto(person.path("deliveries?limit=2"));
  pages.push(await ids(page));
  await page.getByRole("link", { name: "Older" }).click();
  await expect(rows(page).first()).toHaveId(all[2]);
  pages.push(await ids(page));
  await page.getByRole("link", { name: "Older" }).click();
  await expect(rows(page)).toHaveCount(1);
  pages.push(await ids(page));
  expect(pages.flat()).toEqual(all);
  await expect(page.getByRole("link", { name: "Older" })).toHaveCount(0);
  await page.getByRole("link", { name: "Newer" }).click();
  await expect(rows(page).first()).toHaveId(all[2]);
  await page.getByRole("link", { name: "Newer" }).click();
  await expect(rows(page).first()).toHaveId(all[0]);
  await expect(page.getByRole("link", { name: "Newer" })).toHaveCount(0);
});

test("unknown filter values in old links are ignored", async ({ page, person, api, receiver }) => {
  await api.endpoint(receiver.url);
  await api.call();
  await api.tried(1);
  const response = await page.goto(person.path("deliveries?status=exploded&cause=magic&from=yesterday&endpoint=x&sort=-time"));
  expect(response?.status()).toBe(200);
  await expect(rows(page)).toHaveCount(1);
});

test("filter times use the time zone of the page", async ({ page, context, person, baseURL }) => {
  await context.addCookies([{ name: "tz", value: "Europe%2FBerlin", url: baseURL! }]);
  await page.goto(person.path("deliveries?from=2026-11-23T13:03:22Z"));
  await page.locator("summary", { hasText: "Filter" }).click();
  await expect(page.getByLabel("From (Europe/Berlin)")).toHaveValue("2026-11-23T14:03:22");
  await page.getByLabel("To (Europe/Berlin)").fill("2026-11-23T15:00:07");
  await page.getByRole("button", { name: "Apply filters" }).click();
  await expect(page.getByRole("link", { name: /23 Nov 14:03.*15:00/ }).first()).toBeVisible();
  await expect(page.getByLabel("To (Europe/Berlin)")).toHaveValue("2026-11-23T15:00:07");
});
