import type { Locator, Page } from "@playwright/test";
import { signUp } from "../fixtures/account";
import { expect, test } from "../fixtures/test";

/** Counts clicks; focusing a field counts as a click. */
class Pointer {
  clicks = 0;

  async click(target: Locator) {
    this.clicks += 1;
    await target.click();
  }

  async fill(field: Locator, text: string) {
    await this.click(field);
    await field.fill(text);
  }
}

async function expectFirstEvent(page: Page) {
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Your first event was delivered");
}

test("from sign-up to the first delivery takes at most 3 clicks and 5 seconds", async ({ page, receiver }) => {
  await signUp(page);
  const pointer = new Pointer();
  await pointer.fill(page.getByLabel("URL"), receiver.url);
  const started = Date.now();
  await pointer.click(page.getByRole("button", { name: "Save and send test" }));
  await expectFirstEvent(page);
  expect(Date.now() - started).toBeLessThanOrEqual(5_000);
  expect(pointer.clicks).toBeLessThanOrEqual(3);

  expect(receiver.requests).toHaveLength(1);
  const [request] = receiver.requests;
  expect(JSON.parse(request.body).payload.event).toBe("IncomingCall");
  await expect(page.getByRole("region", { name: /^Delivered Test IncomingCall: 200/ })).toBeVisible();
  await expect(page.getByText(request.headers["webhook-signature"])).toBeVisible();
  const token = JSON.parse(request.body).auth_token as string;
  await expect(page.getByRole("region", { name: "Endpoint credentials" })).toContainText(token);
});

test("without a server, the first delivery to the test line takes at most 2 clicks and 3 seconds", async ({ page }) => {
  await signUp(page);
  const pointer = new Pointer();
  const started = Date.now();
  await pointer.click(page.getByRole("button", { name: "Use the test line" }));
  await expectFirstEvent(page);
  expect(Date.now() - started).toBeLessThanOrEqual(3_000);
  expect(pointer.clicks).toBeLessThanOrEqual(2);
});

test("a failed first delivery shows the cause, a fix, and how to retry", async ({ page, user, receiver }) => {
  receiver.answers(404);
  await page.goto(user.path("start"));
  await page.getByLabel("URL").fill(receiver.url);
  await page.getByRole("button", { name: "Save and send test" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("The test hasn't been delivered yet");
  await expect(page.getByRole("region", { name: /Path not found \(404\)/ })).toContainText("Check the path of the URL.");
  await expect(page.getByRole("link", { name: "Learn more about this cause" })).toHaveAttribute("href", "/help/causes/http_404");
  receiver.answers(200);
  await page.getByRole("link", { name: "Send another test" }).click();
  await page.getByRole("button", { name: "Send test" }).click();
  await expect(page.getByRole("region", { name: /IncomingCall: 200/ })).toBeVisible();
});

test("an invalid URL is rejected on the setup page, and all input is kept", async ({ page, user }) => {
  await page.goto(user.path("start"));
  await page.getByLabel("URL").fill("crm.acme.example/calls");
  await page.getByLabel("OutgoingCall").uncheck();
  await page.getByRole("button", { name: "Save and send test" }).click();
  await expect(page.getByRole("alert")).toContainText("Start the URL with https://");
  await expect(page.getByLabel("URL")).toHaveValue("crm.acme.example/calls");
  await expect(page.getByLabel("OutgoingCall")).not.toBeChecked();
  await expect(page.getByLabel("IncomingCall")).toBeChecked();
});

test("the start page redirects to the account, and a new account to its setup page", async ({ page, user }) => {
  await page.goto("/");
  await expect(page).toHaveURL(user.path("start"));
  expect(await page.locator("script:not([src]), style, [style]").count()).toBe(0);
});

test("islands hydrate with script, and pages work without it", async ({ page, javaScriptEnabled }) => {
  await page.goto("/sign-in");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  const html = page.locator("html");
  if (javaScriptEnabled) await expect(html).toHaveAttribute("data-islands", "awake");
  else await expect(html).not.toHaveAttribute("data-islands");
});
