import { randomUUID } from "node:crypto";
import { expect, test } from "../../fixtures/test";

test("a failed delivery says why, what to do, what comes next, and shows the evidence", async ({ page, person, api, receiver }) => {
  // It asks to wait, so that the first attempt is still the latest when the page is looked at.
  receiver.answers({ status: 503, retryAfterS: 600 });
  await api.endpoint(receiver.url, { name: "CRM", auth_token: "never-shown-here", deliver_late: true });
  const call = randomUUID();
  await api.call("IncomingCall", call);
  const [{ id }] = await api.tried(1);
  await page.goto(person.path("deliveries"));
  await page.locator(`#${id} a`).click();
  await expect(page).toHaveURL(person.path(`deliveries/${id}`));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Retrying: Error in your server (503), asks us to wait 600 s");
  await expect(page.getByText("Look into the log of your server at this time.")).toBeVisible();
  await expect(page.getByText(/We try again (in|now)/)).toBeVisible();
  await expect(page.getByRole("heading", { name: "Response: 503" })).toBeVisible();
  await expect(page.getByText("said 503")).toBeVisible();
  const { headers } = receiver.requests[0];
  await expect(page.getByText(`webhook-signature: ${headers["webhook-signature"]}`)).toBeVisible();
  await expect(page.getByText(`webhook-id: ${headers["webhook-id"]}`)).toBeVisible();
  await expect(page.getByRole("region", { name: "Event", exact: true })).toContainText(call);
  await expect(page.getByText("never-shown-here")).toHaveCount(0);
  await page.getByRole("link", { name: "The whole call" }).click();
  await expect(page).toHaveURL(person.path(`calls/${call}`));
});

test("a delivery is resent with the same event id, and each attempt keeps its own evidence and address", async ({ page, person, api, receiver }) => {
  receiver.answers(410, 200);
  const endpoint = await api.endpoint(receiver.url, { name: "CRM" });
  await api.call();
  const [{ id }] = await api.tried(1);
  // 410 paused the endpoint: resume it first.
  await page.goto(person.path(`endpoints/${endpoint.id}`));
  await expect(page.getByRole("region", { name: "How it stands" })).toContainText("so we paused the endpoint");
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(page.getByRole("button", { name: "Pause" })).toBeVisible();

  await page.goto(person.path(`deliveries/${id}`));
  await page.getByRole("link", { name: /^Resend/ }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Resend IncomingCall to CRM?");
  await page.getByRole("button", { name: "Resend delivery" }).click();
  await expect(page.getByRole("status").filter({ hasText: "Queued again." })).toBeVisible();
  await expect.poll(() => receiver.requests.length).toBe(2);
  expect(receiver.requests[1].headers["webhook-id"]).toBe(receiver.requests[0].headers["webhook-id"]);
  expect(receiver.requests[1].headers["offhook-attempt"]).toBe("2");

  await expect(async () => expect((await api.deliveries())[0].status).toBe("delivered")).toPass();
  await page.goto(person.path(`deliveries/${id}`));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Delivered: 200 in/);
  await expect(page.getByRole("heading", { name: "Attempt 2" })).toBeVisible();
  await page.getByRole("link", { name: /^#1/ }).click();
  await expect(page).toHaveURL(person.path(`deliveries/${id}/attempts/1#attempts`));
  await expect(page.getByRole("heading", { name: "Attempt 1" })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Response: 410" })).toBeVisible();
});

test("a delivery that is kept as it is is not sent again", async ({ page, person, api, receiver }) => {
  await api.endpoint(receiver.url);
  await api.call();
  const [{ id }] = await api.tried(1);
  await page.goto(person.path(`deliveries/${id}/resend`));
  await expect(page.getByText("Your server has already taken this event.")).toBeVisible();
  await page.getByRole("link", { name: "Keep it as it is" }).click();
  await expect(page).toHaveURL(person.path(`deliveries/${id}`));
  expect(receiver.requests).toHaveLength(1);
});

test("a waiting delivery is cancelled after a question", async ({ page, person, api, receiver }) => {
  const endpoint = await api.endpoint(receiver.url, { name: "CRM" });
  await api.pause(endpoint.id);
  await api.call();
  const [{ id }] = await api.tried(1);
  await page.goto(person.path(`deliveries/${id}`));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Held: /);
  await page.getByRole("link", { name: "Cancel delivery" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Cancel IncomingCall to CRM?");
  await page.getByRole("button", { name: "Cancel delivery" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Cancelled/);
  expect(receiver.requests).toHaveLength(0);
});

test("the way back leads to the list as it was filtered", async ({ page, person, api, receiver }) => {
  await api.endpoint(receiver.url);
  await api.call();
  await api.tried(1);
  await page.goto(person.path("deliveries?status=delivered&range=24h"));
  await page.locator("li[data-status] a").click();
  await page.getByRole("link", { name: "← Deliveries" }).click();
  await expect(page).toHaveURL(person.path("deliveries?status=delivered&range=24h"));
});

test("a delivery that does not exist is not in service", async ({ page, person }) => {
  const response = await page.goto(person.path("deliveries/dlv_01kb4qz1a2b3c4d5e6f7g8h9jk"));
  expect(response?.status()).toBe(404);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("The number you have dialled is not in service");
  await page.getByRole("link", { name: "Search deliveries by ID, call or number" }).click();
  await expect(page).toHaveURL(person.path("deliveries"));
});
