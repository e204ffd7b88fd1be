import { postSignUp } from "../fixtures/account";
import { expect, test } from "../fixtures/test";

test("after signing out, the account's pages require sign-in", async ({ page, person }) => {
  await page.goto(person.path("endpoints"));
  await page.getByRole("button", { name: /^User menu/ }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("status")).toHaveText("You’re signed out.");
  await page.goto(person.path("endpoints"));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in");
});

test("another user's account looks as if it didn't exist", async ({ page, person, browser, baseURL }) => {
  const stranger = await browser.newContext({ baseURL });
  await postSignUp(stranger.request);
  const other = await stranger.newPage();
  const response = await other.goto(person.path("deliveries"));
  expect(response?.status()).toBe(404);
  await expect(other.getByRole("heading", { level: 1 })).toHaveText("This account doesn't exist, or you don't have access to it");
  await page.goto(person.path("deliveries"));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Deliveries");
  await stranger.close();
});
