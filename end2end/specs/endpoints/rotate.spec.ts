// Rotating the two credentials: how many clicks it takes, and what the endpoint's server gets to see on the way.
import type { Page } from "@playwright/test";
import { expect, test } from "../../fixtures/test";

/** Clicks that a whole rotation may cost. */
const CLICKS_MAX = 4;

/** Presses buttons and counts. */
function hand(page: Page) {
  let clicks = 0;
  return {
    press: async (name: string) => {
      clicks += 1;
      await page.getByRole("button", { name, exact: true }).click();
    },
    clicks: () => clicks,
  };
}

test("an auth token is prepared, proved, switched and retired in four clicks", async ({ page, person, api, receiver }) => {
  const endpoint = await api.endpoint(receiver.url, { auth_token: "my-token" });
  await page.goto(person.path(`endpoints/${endpoint.id}/secret`));
  const { press, clicks } = hand(page);
  await page.getByLabel("Next auth token").fill("the-next-token");
  await press("Prepare the next token");
  await expect(page.getByRole("region", { name: "Copy it into your server now" })).toContainText("the-next-token");
  await press("Send a test with the next token");
  await expect(page.getByText(/^Proved/)).toBeVisible();
  expect(receiver.requests.at(-1)!.body).toContain(`"auth_token":"the-next-token"`);
  await press("Switch now");
  await expect(page.getByText("Every request carries the new auth token")).toBeVisible();
  await api.call();
  await expect.poll(() => receiver.requests.length).toBe(2);
  expect(receiver.requests[1].body).toContain(`"auth_token":"the-next-token"`);
  await press("Retire the earlier token");
  await expect(page.getByText("The earlier auth token is retired.")).toBeVisible();
  expect(clicks()).toBeLessThanOrEqual(CLICKS_MAX);
  await page.goto(person.path(`endpoints/${endpoint.id}`));
  await expect(page.getByText("Switched to the next auth token")).toBeVisible();
});

test("an auth token that nothing has proved is switched only on purpose, and the switch can be undone", async ({ page, person, api, receiver }) => {
  const endpoint = await api.endpoint(receiver.answers(401).url);
  await page.goto(person.path(`endpoints/${endpoint.id}/secret`));
  const { press } = hand(page);
  await press("Prepare the next token");
  await press("Send a test with the next token");
  await expect(page.getByRole("link", { name: "The test's delivery" })).toBeVisible();
  await press("Switch now");
  await expect(page.getByRole("alert")).toContainText("switch anyway");
  await page.getByLabel("Switch although nothing is proved").check();
  await page.getByLabel("Time of the switch").fill("2001-01-01T10:00");
  await press("Switch at that time");
  await expect(page.getByRole("alert")).toContainText("still to come");
  await page.getByLabel("Switch although nothing is proved").check();
  await press("Switch now");
  await press("Undo the switch");
  await expect(page.getByText("The earlier auth token is sent again.")).toBeVisible();
  await page.goto(person.path(`endpoints/${endpoint.id}`));
  await expect(page.getByRole("region", { name: "Rotation" })).toContainText("The next auth token is prepared.");
});

test("an old signing secret is retired before the new one is proved only on purpose", async ({ page, person, api, receiver }) => {
  const endpoint = await api.endpoint(receiver.url);
  await page.goto(person.path(`endpoints/${endpoint.id}/secret`));
  const { press } = hand(page);
  await press("Rotate the signing secret");
  await press("Retire the old secret now");
  await expect(page.getByRole("alert")).toContainText("retire it anyway");
  await page.getByLabel("Retire although nothing is proved").check();
  await press("Retire the old secret now");
  await expect(page.getByText("Only the new one signs.")).toBeVisible();
});

test("a signing secret is rotated, proved and retired in three clicks", async ({ page, person, api, receiver }) => {
  const endpoint = await api.endpoint(receiver.url);
  await page.goto(person.path(`endpoints/${endpoint.id}/secret`));
  const { press, clicks } = hand(page);
  await press("Rotate the signing secret");
  await expect(page.getByRole("region", { name: "Copy it into your server now" })).toContainText("whsec_");
  await api.call();
  await expect.poll(() => receiver.requests.length).toBe(1);
  expect(receiver.requests[0].headers["webhook-signature"].split(" ")).toHaveLength(2);
  await press("Send a test signed only with the new secret");
  await expect(page.getByText(/^Proved/)).toBeVisible();
  expect(receiver.requests[1].headers["webhook-signature"].split(" ")).toHaveLength(1);
  await press("Retire the old secret now");
  await expect(page.getByText("Only the new one signs.")).toBeVisible();
  expect(clicks()).toBeLessThanOrEqual(CLICKS_MAX);
});
