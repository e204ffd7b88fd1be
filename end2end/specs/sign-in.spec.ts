import type { Page } from "@playwright/test";
import { PASSWORD } from "../fixtures/account";
import { expect, test } from "../fixtures/test";

const WRONG = "Incorrect email address or password.";

async function signIn(page: Page, email: string, password: string) {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("the right password leads to the account", async ({ page, person, context }) => {
  await context.clearCookies();
  await page.goto("/sign-in");
  await signIn(page, person.email, PASSWORD);
  await expect(page).toHaveURL(new RegExp(person.acct));
});

test("a wrong password and an unknown address get the same answer, and the address stays typed", async ({ page, person, context }) => {
  await context.clearCookies();
  for (const email of [person.email, "nobody@acme.example"]) {
    await page.goto("/sign-in");
    await signIn(page, email, "not the right password");
    await expect(page.getByRole("alert")).toHaveText(WRONG);
    await expect(page.getByLabel("E-mail")).toHaveValue(email);
    await expect(page.getByLabel("Password")).toHaveValue("");
  }
});

test("guessing is slowed down, even with the right password", async ({ page, person, context }) => {
  await context.clearCookies();
  await page.goto("/sign-in");
  // Until the wait is long enough for a slow machine to come back within it; each guess after a wait doubles it.
  await expect(async () => {
    await signIn(page, person.email, "not the right password");
    await expect(page.getByRole("alert")).toHaveText(/Try again in ([4-9]|\d\d+) s/, { timeout: 800 });
  }).toPass({ intervals: [100, 100, 100, 100, 1_000], timeout: 30_000 });
  await signIn(page, person.email, PASSWORD);
  await expect(page.getByRole("alert")).toHaveText(/^Too many attempts\. Try again in \d+ s\.$/);
});

test("an ended session says so and leads back to the page", async ({ page, person, context }) => {
  await page.goto(person.path("events?not_sent=1"));
  const cookies = await context.cookies();
  const session = cookies.filter((cookie) => cookie.httpOnly);
  expect(session).toHaveLength(1);
  await context.clearCookies({ name: session[0].name });
  await page.reload();
  await expect(page.getByRole("status")).toContainText("your session ended");
  await signIn(page, person.email, PASSWORD);
  await expect(page).toHaveURL(person.path("events?not_sent=1"));
});

for (const [name, next] of [
  ["another site", "https://evil.example/"],
  ["another site without a scheme", "//evil.example/"],
  ["another site with a backslash", "/\\evil.example/"],
]) {
  test(`a way back to ${name} is not taken`, async ({ page, person, context, baseURL }) => {
    await context.clearCookies();
    await page.goto(`/sign-in?next=${encodeURIComponent(next)}`);
    await signIn(page, person.email, PASSWORD);
    await expect(page).toHaveURL(`${baseURL}${person.path("start")}`);
  });
}
