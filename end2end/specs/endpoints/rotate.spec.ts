// Rotating both credentials: how many clicks it takes, and what the endpoint's server receives.
import type { Page } from "@playwright/test";
import { expect, test } from "../../fixtures/test";

/** Maximum clicks for a complete rotation. */
const CLICKS_MAX = 4;

/** Clicks buttons and counts the clicks. */
function clicker(page: Page) {
  let clicks = 0;
  return {
    press: async (name: string) => {
      clicks += 1;
      await page.getByRole("button", { name, exact: true }).click();
    },
    clicks: () => clicks,
  };
}

test("an auth token is prepared, tested, switched and retired in four clicks", async ({ page, user, api, receiver }) => {
  const endpoint = await api.endpoint(receiver.url, { auth_token: "my-token" });
  await page.goto(user.path(`endpoints/${endpoint.id}/secret`));
  const { press, clicks } = clicker(page);
  await page.getByLabel("Next auth token").fill("the-next-token");
  await press("Prepare next token");
  await expect(page.getByRole("region", { name: "Copy it to your server now" })).toContainText("the-next-token");
  await press("Send test with next token");
  await expect(page.getByText(/^Verified/)).toBeVisible();
  expect(receiver.requests.at(-1)!.body).toContain(`"auth_token":"the-next-token"`);
  await press("Switch now");
  await expect(page.getByText("Every request now carries the new auth token")).toBeVisible();
  await api.call();
  await expect.poll(() => receiver.requests.length).toBe(2);
  expect(receiver.requests[1].body).toContain(`"auth_token":"the-next-token"`);
  await press("Retire previous token");
  await expect(page.getByText("The previous auth token is retired.")).toBeVisible();
  expect(clicks()).toBeLessThanOrEqual(CLICKS_MAX);
  await page.goto(user.path(`endpoints/${endpoint.id}`));
  await expect(page.getByText("Switched to the next auth token")).toBeVisible();
});

test("switching to an untested auth token needs confirmation and can be undone", async ({ page, user, api, receiver }) => {
  const endpoint = await api.endpoint(receiver.answers(401).url);
  await page.goto(user.path(`endpoints/${endpoint.id}/secret`));
  const { press } = clicker(page);
  await press("Prepare next token");
  await press("Send test with next token");
  await expect(page.getByRole("link", { name: "View test delivery" })).toBeVisible();
  await press("Switch now");
  await expect(page.getByRole("alert")).toContainText("switch anyway");
  await page.getByLabel("Switch without a successful test").check();
  await page.getByLabel("Switch at").fill("2001-01-01T10:00");
  await press("Schedule switch");
  await expect(page.getByRole("alert")).toContainText("Choose a time in the future");
  await page.getByLabel("Switch without a successful test").check();
  await press("Switch now");
  await press("Undo switch");
  await expect(page.getByText("The previous auth token is in use again.")).toBeVisible();
  await page.goto(user.path(`endpoints/${endpoint.id}`));
  await expect(page.getByRole("region", { name: "Rotation" })).toContainText("The next auth token is prepared.");
});

test("retiring the old signing secret before testing the new one needs confirmation", async ({ page, user, api, receiver }) => {
  const endpoint = await api.endpoint(receiver.url);
  await page.goto(user.path(`endpoints/${endpoint.id}/secret`));
  const { press } = clicker(page);
  await press("Rotate signing secret");
  await press("Retire old secret now");
  await expect(page.getByRole("alert")).toContainText("retire it anyway");
  await page.getByLabel("Retire without a successful test").check();
  await press("Retire old secret now");
  await expect(page.getByText("Requests are signed only with the new one.")).toBeVisible();
});

test("a signing secret is rotated, tested and retired in three clicks", async ({ page, user, api, receiver }) => {
  const endpoint = await api.endpoint(receiver.url);
  await page.goto(user.path(`endpoints/${endpoint.id}/secret`));
  const { press, clicks } = clicker(page);
  await press("Rotate signing secret");
  await expect(page.getByRole("region", { name: "Copy it to your server now" })).toContainText("whsec_");
  await api.call();
  await expect.poll(() => receiver.requests.length).toBe(1);
  expect(receiver.requests[0].headers["webhook-signature"].split(" ")).toHaveLength(2);
  await press("Send test with new secret only");
  await expect(page.getByText(/^Verified/)).toBeVisible();
  expect(receiver.requests[1].headers["webhook-signature"].split(" ")).toHaveLength(1);
  await press("Retire old secret now");
  await expect(page.getByText("Requests are signed only with the new one.")).toBeVisible();
  expect(clicks()).toBeLessThanOrEqual(CLICKS_MAX);
});
