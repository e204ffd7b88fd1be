// Rotating the credentials of all endpoints at once: how many clicks it takes, and what their servers receive.
import type { Page } from "@playwright/test";
import { expect, test } from "../../fixtures/test";

/** Maximum clicks for a complete rotation, including the one that opens the page. */
const CLICKS_MAX = 4;

/** Clicks buttons and links and counts the clicks. */
function clicker(page: Page) {
  let clicks = 0;
  const press = async (role: "button" | "link", name: string) => {
    clicks += 1;
    await page.getByRole(role, { name, exact: true }).click();
  };
  return { press, clicks: () => clicks };
}

test("all auth tokens are prepared, tested and switched in four clicks", async ({ page, user, api, receiver }) => {
  await api.endpoint(receiver.url, { name: "CRM" });
  await api.endpoint(`${receiver.url}/billing`, { name: "Billing" });
  await page.goto(user.path("endpoints"));
  const { press, clicks } = clicker(page);
  await press("link", "Rotate all credentials");
  await page.getByLabel("Next auth token").fill("the-next-token");
  await press("button", "Prepare for 2 endpoints");
  const created = page.getByRole("region", { name: "Copy them to your servers now" });
  await expect(created.getByText("the-next-token")).toHaveCount(2);
  await press("button", "Send test with next token to all");
  await expect(page.getByText("2 endpoints prepared, 2 verified.")).toBeVisible();
  expect(receiver.requests.filter(({ body }) => body.includes(`"auth_token":"the-next-token"`))).toHaveLength(2);
  await press("button", "Switch all now");
  await expect(page.getByRole("status").filter({ hasText: "Auth token switched for 2 endpoints." })).toBeVisible();
  expect(clicks()).toBeLessThanOrEqual(CLICKS_MAX);
  await api.call();
  await expect.poll(() => receiver.requests.length).toBe(4);
  expect(receiver.requests.every(({ body }) => body.includes("the-next-token"))).toBe(true);
  await press("button", "Retire all previous tokens");
  await expect(page.getByRole("region", { name: "Status by endpoint" })).toContainText("no rotation in progress");
});

test("the list shows which endpoints are verified, and others are skipped with the reason", async ({ page, user, api, receiver }) => {
  const slow = await api.endpoint(receiver.answers(401).url, { name: "Refusing" });
  await page.goto(user.path(`endpoints/${slow.id}/secret`));
  await page.getByRole("button", { name: "Prepare next token" }).click();
  await page.getByRole("link", { name: "Rotate all credentials" }).click();
  const { press } = clicker(page);
  await press("button", "Send test with next token to all");
  await expect(page.getByText("1 endpoint prepared, 0 verified.")).toBeVisible();
  await expect(page.getByText(/No test with the next token has succeeded for: Refusing\./)).toBeVisible();
  await press("button", "Switch all now");
  await expect(page.getByRole("region", { name: "Skipped" })).toContainText("Refusing: No test with the next auth token");
  await page.getByLabel("Include endpoints without a successful test").check();
  await page.getByLabel("Switch at").fill("2001-01-01T10:00");
  await press("button", "Schedule switch for all");
  await expect(page.getByRole("alert")).toContainText("Choose a time in the future");
  await expect(page.getByLabel("Switch at")).toHaveValue("2001-01-01T10:00");
  await page.getByLabel("Include endpoints without a successful test").check();
  await press("button", "Switch all now");
  await press("button", "Undo all switches");
  await expect(page.getByText("Switch undone for 1 endpoint.")).toBeVisible();
  await press("button", "Cancel all prepared rotations");
  await expect(page.getByRole("button", { name: "Prepare for 1 endpoint" })).toBeVisible();
});

test("all signing secrets are rotated, proved and retired, and what nothing has proved stays", async ({ page, user, api, receiver }) => {
  await api.endpoint(receiver.url, { name: "CRM" });
  await page.goto(user.path("endpoints"));
  const { press, clicks } = clicker(page);
  await press("link", "Rotate all credentials");
  await press("button", "Rotate secrets of 1 endpoint");
  await expect(page.getByRole("region", { name: "Copy them to your servers now" })).toContainText("whsec_");
  await press("button", "Retire all old secrets now");
  await expect(page.getByText("Old signing secret retired for 0 endpoints, 1 skipped.")).toBeVisible();
  await press("button", "Send test with new secret only to all");
  await expect(page.getByText("1 endpoint with two active secrets, 1 verified.")).toBeVisible();
  expect(receiver.requests.at(-1)!.headers["webhook-signature"].split(" ")).toHaveLength(1);
  await press("button", "Retire all old secrets now");
  await expect(page.getByText("Old signing secret retired for 1 endpoint.")).toBeVisible();
  // The first click, which was rejected, does not count.
  expect(clicks() - 1).toBeLessThanOrEqual(CLICKS_MAX);
});

test("an account without endpoints shows where to start", async ({ page, user }) => {
  await page.goto(user.path("rotate"));
  await expect(page.getByRole("heading", { name: "No credentials to rotate yet" })).toBeVisible();
});
