import type { Locator, Page } from "@playwright/test";
import { signUp } from "../fixtures/account";
import { expect, test } from "../fixtures/test";

/** A pointer that counts: putting it into a field is a click too. */
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

async function firstEventArrives(page: Page) {
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Your first event has arrived");
}

test("from signing up to a delivery at one's own server it is at most 3 clicks and 5 seconds", async ({ page, receiver }) => {
  await signUp(page);
  const pointer = new Pointer();
  await pointer.fill(page.getByLabel("URL"), receiver.url);
  const began = Date.now();
  await pointer.click(page.getByRole("button", { name: "Save and send test" }));
  await firstEventArrives(page);
  expect(Date.now() - began).toBeLessThanOrEqual(5_000);
  expect(pointer.clicks).toBeLessThanOrEqual(3);

  expect(receiver.requests).toHaveLength(1);
  const [request] = receiver.requests;
  expect(JSON.parse(request.body).payload.event).toBe("IncomingCall");
  await expect(page.getByRole("region", { name: /^Delivered Test IncomingCall arrived: 200/ })).toBeVisible();
  await expect(page.getByText(request.headers["webhook-signature"])).toBeVisible();
  const token = JSON.parse(request.body).auth_token as string;
  await expect(page.getByRole("region", { name: "Credentials of this endpoint" })).toContainText(token);
});

test("without a server it is at most 2 clicks and 3 seconds to a delivery at the test line", async ({ page }) => {
  await signUp(page);
  const pointer = new Pointer();
  const began = Date.now();
  await pointer.click(page.getByRole("button", { name: "Use a test line" }));
  await firstEventArrives(page);
  expect(Date.now() - began).toBeLessThanOrEqual(3_000);
  expect(pointer.clicks).toBeLessThanOrEqual(2);
});

test("a first delivery that fails says why, what to do, and how to try again", async ({ page, person, receiver }) => {
  receiver.answers(404);
  await page.goto(person.path("start"));
  await page.getByLabel("URL").fill(receiver.url);
  await page.getByRole("button", { name: "Save and send test" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("The test did not arrive yet");
  await expect(page.getByRole("region", { name: /No such path \(404\)/ })).toContainText("Check the path of the URL.");
  await expect(page.getByRole("link", { name: "More about this cause" })).toHaveAttribute("href", "/help/causes/http_404");
  receiver.answers(200);
  await page.getByRole("link", { name: "Send another test" }).click();
  await page.getByRole("button", { name: "Send test" }).click();
  await expect(page.getByRole("region", { name: /IncomingCall arrived: 200/ })).toBeVisible();
});

test("a URL that cannot be is refused on the first page, and what was typed and unticked stays", async ({ page, person }) => {
  await page.goto(person.path("start"));
  await page.getByLabel("URL").fill("crm.acme.example/calls");
  await page.getByLabel("OutgoingCall").uncheck();
  await page.getByRole("button", { name: "Save and send test" }).click();
  await expect(page.getByRole("alert")).toContainText("Begin the URL with https://");
  await expect(page.getByLabel("URL")).toHaveValue("crm.acme.example/calls");
  await expect(page.getByLabel("OutgoingCall")).not.toBeChecked();
  await expect(page.getByLabel("IncomingCall")).toBeChecked();
});

test("the start page leads to the account, which leads to the first delivery while there is none", async ({ page, person }) => {
  await page.goto("/");
  await expect(page).toHaveURL(person.path("start"));
  expect(await page.locator("script:not([src]), style, [style]").count()).toBe(0);
});

test("the islands wake where there is script, and the page stands without them", async ({ page, javaScriptEnabled }) => {
  await page.goto("/sign-in");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  const html = page.locator("html");
  if (javaScriptEnabled) await expect(html).toHaveAttribute("data-islands", "awake");
  else await expect(html).not.toHaveAttribute("data-islands");
});
