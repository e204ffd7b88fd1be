import { randomUUID } from "node:crypto";
import { expect, test } from "../../fixtures/test";

test("a failed delivery shows its cause, a fix, what happens next, and request and response", async ({ page, user, api, receiver }) => {
  // Retry-After keeps the first attempt the latest while the test looks at the page.
  receiver.answers({ status: 503, retryAfterS: 600 });
  await api.endpoint(receiver.url, { name: "CRM", auth_token: "never-shown-here", deliver_late: true });
  const call = randomUUID();
  await api.call("IncomingCall", call);
  const [{ id }] = await api.tried(1);
  await page.goto(user.path("deliveries"));
  await page.locator(`#${id} a`).click();
  await expect(page).toHaveURL(user.path(`deliveries/${id}`));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Retrying: Server error (503); asked to wait 600 s");
  await expect(page.getByText("Check your server logs around this time.")).toBeVisible();
  await expect(page.getByText(/Next retry (in|now)/)).toBeVisible();
  await expect(page.getByRole("heading", { name: "Response: 503" })).toBeVisible();
  await expect(page.getByText("status 503")).toBeVisible();
  const { headers } = receiver.requests[0];
  await expect(page.getByText(`webhook-signature: ${headers["webhook-signature"]}`)).toBeVisible();
  await expect(page.getByText(`webhook-id: ${headers["webhook-id"]}`)).toBeVisible();
  await expect(page.getByRole("region", { name: "Event", exact: true })).toContainText(call);
  await expect(page.getByText("never-shown-here")).toHaveCount(0);
  await page.getByRole("link", { name: "View call" }).click();
  await expect(page).toHaveURL(user.path(`calls/${call}`));
});

test("a delivery is resent with the same event ID, and each attempt has its own page", async ({ page, user, api, receiver }) => {
  receiver.answers(410, 200);
  const endpoint = await api.endpoint(receiver.url, { name: "CRM" });
  await api.call();
  const [{ id }] = await api.tried(1);
  // The 410 paused the endpoint: resume it first.
  await page.goto(user.path(`endpoints/${endpoint.id}`));
  await expect(page.getByRole("region", { name: "Status" })).toContainText("so we paused the endpoint");
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(page.getByRole("button", { name: "Pause" })).toBeVisible();

  await page.goto(user.path(`deliveries/${id}`));
  await page.getByRole("link", { name: /^Resend/ }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Resend IncomingCall to CRM?");
  await page.getByRole("button", { name: "Resend delivery" }).click();
  await expect(page.getByRole("status").filter({ hasText: "Queued for resending." })).toBeVisible();
  await expect.poll(() => receiver.requests.length).toBe(2);
  expect(receiver.requests[1].headers["webhook-id"]).toBe(receiver.requests[0].headers["webhook-id"]);
  expect(receiver.requests[1].headers["offhook-attempt"]).toBe("2");

  await expect(async () => expect((await api.deliveries())[0].status).toBe("delivered")).toPass();
  await page.goto(user.path(`deliveries/${id}`));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Delivered: 200 in/);
  await expect(page.getByRole("heading", { name: "Attempt 2" })).toBeVisible();
  await page.getByRole("link", { name: /^#1/ }).click();
  await expect(page).toHaveURL(user.path(`deliveries/${id}/attempts/1#attempts`));
  await expect(page.getByRole("heading", { name: "Attempt 1" })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Response: 410" })).toBeVisible();
});

test("a delivery is not resent after Cancel", async ({ page, user, api, receiver }) => {
  await api.endpoint(receiver.url);
  await api.call();
  const [{ id }] = await api.tried(1);
  await page.goto(user.path(`deliveries/${id}/resend`));
  await expect(page.getByText("Your server has already accepted this event.")).toBeVisible();
  await page.getByRole("link", { name: "Cancel" }).click();
  await expect(page).toHaveURL(user.path(`deliveries/${id}`));
  expect(receiver.requests).toHaveLength(1);
});

test("a waiting delivery is cancelled after a confirmation", async ({ page, user, api, receiver }) => {
  const endpoint = await api.endpoint(receiver.url, { name: "CRM" });
  await api.pause(endpoint.id);
  await api.call();
  const [{ id }] = await api.tried(1);
  await page.goto(user.path(`deliveries/${id}`));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Held: /);
  await page.getByRole("link", { name: "Cancel delivery" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Cancel IncomingCall to CRM?");
  await page.getByRole("button", { name: "Cancel delivery" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Cancelled/);
  expect(receiver.requests).toHaveLength(0);
});

test("the back link keeps the filter of the list", async ({ page, user, api, receiver }) => {
  await api.endpoint(receiver.url);
  await api.call();
  await api.tried(1);
  await page.goto(user.path("deliveries?status=delivered&range=24h"));
  await page.locator("li[data-status] a").click();
  await page.getByRole("link", { name: "← Deliveries" }).click();
  await expect(page).toHaveURL(user.path("deliveries?status=delivered&range=24h"));
});

test("a delivery that does not exist is named as such", async ({ page, user }) => {
  const response = await page.goto(user.path("deliveries/dlv_01kb4qz1a2b3c4d5e6f7g8h9jk"));
  expect(response?.status()).toBe(404);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("This delivery doesn't exist, or belongs to another account");
  await expect(page.getByText("The number you have dialled is not in service.")).toBeVisible();
  await page.getByRole("link", { name: "Search deliveries by ID, call or number" }).click();
  await expect(page).toHaveURL(user.path("deliveries"));
});
