// Rotating the credentials of all endpoints at once: how many clicks it takes, and what their servers get to see.
import type { Page } from "@playwright/test";
import { expect, test } from "../../fixtures/test";

/** Clicks that a whole rotation may cost, the one that opens the page counted. */
const CLICKS_MAX = 4;

/** Presses buttons and links, and counts. */
function hand(page: Page) {
  let clicks = 0;
  const press = async (role: "button" | "link", name: string) => {
    clicks += 1;
    await page.getByRole(role, { name, exact: true }).click();
  };
  return { press, clicks: () => clicks };
}

test("all auth tokens are prepared, proved and switched in four clicks", async ({ page, person, api, receiver }) => {
  await api.endpoint(receiver.url, { name: "CRM" });
  await api.endpoint(`${receiver.url}/billing`, { name: "Billing" });
  await page.goto(person.path("endpoints"));
  const { press, clicks } = hand(page);
  await press("link", "Rotate everywhere");
  await page.getByLabel("Next auth token").fill("the-next-token");
  await press("button", "Prepare for 2 endpoints");
  const made = page.getByRole("region", { name: "Copy them into your servers now" });
  await expect(made.getByText("the-next-token")).toHaveCount(2);
  await press("button", "Send a test with the next token to all");
  await expect(page.getByText("2 endpoints prepared, 2 of them proved.")).toBeVisible();
  expect(receiver.requests.filter(({ body }) => body.includes(`"auth_token":"the-next-token"`))).toHaveLength(2);
  await press("button", "Switch all now");
  await expect(page.getByRole("status").filter({ hasText: "2 endpoints switched." })).toBeVisible();
  expect(clicks()).toBeLessThanOrEqual(CLICKS_MAX);
  await api.call();
  await expect.poll(() => receiver.requests.length).toBe(4);
  expect(receiver.requests.every(({ body }) => body.includes("the-next-token"))).toBe(true);
  await press("button", "Retire all earlier tokens");
  await expect(page.getByRole("region", { name: "Where each endpoint stands" })).toContainText("no rotation runs");
});

test("who has proved stands in the list, and who has not is skipped, with the reason", async ({ page, person, api, receiver }) => {
  const slow = await api.endpoint(receiver.answers(401).url, { name: "Refusing" });
  await page.goto(person.path(`endpoints/${slow.id}/secret`));
  await page.getByRole("button", { name: "Prepare the next token" }).click();
  await page.getByRole("link", { name: "Rotate everywhere" }).click();
  const { press } = hand(page);
  await press("button", "Send a test with the next token to all");
  await expect(page.getByText("1 endpoint prepared, 0 of them proved.")).toBeVisible();
  await expect(page.getByText(/Nothing has proved that these know their next token: Refusing\./)).toBeVisible();
  await press("button", "Switch all now");
  await expect(page.getByRole("region", { name: "Skipped" })).toContainText("Refusing: No test with the next auth token");
  await page.getByLabel("Switch also where nothing is proved").check();
  await page.getByLabel("Time of the switch").fill("2001-01-01T10:00");
  await press("button", "Switch all at that time");
  await expect(page.getByRole("alert")).toContainText("still to come");
  await expect(page.getByLabel("Time of the switch")).toHaveValue("2001-01-01T10:00");
  await page.getByLabel("Switch also where nothing is proved").check();
  await press("button", "Switch all now");
  await press("button", "Undo all switches");
  await expect(page.getByText("1 endpoint switched back.")).toBeVisible();
  await press("button", "Drop all prepared rotations");
  await expect(page.getByRole("button", { name: "Prepare for 1 endpoint" })).toBeVisible();
});

test("all signing secrets are rotated, proved and retired, and what nothing has proved stays", async ({ page, person, api, receiver }) => {
  await api.endpoint(receiver.url, { name: "CRM" });
  await page.goto(person.path("endpoints"));
  const { press, clicks } = hand(page);
  await press("link", "Rotate everywhere");
  await press("button", "Rotate the secrets of 1 endpoint");
  await expect(page.getByRole("region", { name: "Copy them into your servers now" })).toContainText("whsec_");
  await press("button", "Retire all old secrets now");
  await expect(page.getByText("0 endpoints retired, 1 skipped.")).toBeVisible();
  await press("button", "Send a test signed only with the new secret to all");
  await expect(page.getByText("1 endpoint with two secrets, 1 of them proved.")).toBeVisible();
  expect(receiver.requests.at(-1)!.headers["webhook-signature"].split(" ")).toHaveLength(1);
  await press("button", "Retire all old secrets now");
  await expect(page.getByText("1 endpoint retired.")).toBeVisible();
  // The first try, which was refused, is not counted.
  expect(clicks() - 1).toBeLessThanOrEqual(CLICKS_MAX);
});

test("an account without endpoints is told where to begin", async ({ page, person }) => {
  await page.goto(person.path("rotate"));
  await expect(page.getByRole("heading", { name: "There is nothing to rotate yet" })).toBeVisible();
});
