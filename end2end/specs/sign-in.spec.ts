import type { Page } from "@playwright/test";
import { PASSWORD } from "../fixtures/account";
import { expect, test } from "../fixtures/test";

const WRONG = "Incorrect email address or password.";

async function signIn(page: Page, email: string, password: string) {
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("the right password leads to the account", async ({ page, user, context }) => {
  await context.clearCookies();
  await page.goto("/sign-in");
  await signIn(page, user.email, PASSWORD);
  await expect(page).toHaveURL(new RegExp(user.acct));
});

test("a wrong password and an unknown email get the same error, and the email stays filled in", async ({ page, user, context }) => {
  await context.clearCookies();
  for (const email of [user.email, "nobody@acme.example"]) {
    await page.goto("/sign-in");
    await signIn(page, email, "not the right password");
    await expect(page.getByRole("alert")).toHaveText(WRONG);
    await expect(page.getByLabel("Email")).toHaveValue(email);
    await expect(page.getByLabel("Password")).toHaveValue("");
  }
});

test("password guesses are slowed down, even if one is right", async ({ page, user, context }) => {
  await context.clearCookies();
  await page.goto("/sign-in");
  // Until the delay is long enough for a slow machine. Each guess after a delay doubles it.
  await expect(async () => {
    await signIn(page, user.email, "not the right password");
    await expect(page.getByRole("alert")).toHaveText(/Try again in ([4-9]|\d\d+) s/, { timeout: 800 });
  }).toPass({ intervals: [100, 100, 100, 100, 1_000], timeout: 30_000 });
  await signIn(page, user.email, PASSWORD);
  await expect(page.getByRole("alert")).toHaveText(/^Too many attempts\. Try again in \d+ s\.$/);
});

test("an expired session asks for sign-in and returns to the page", async ({ page, user, context }) => {
  await page.goto(user.path("events?not_sent=1"));
  const cookies = await context.cookies();
  const session = cookies.filter((cookie) => cookie.httpOnly && cookie.name !== "device");
  expect(session).toHaveLength(1);
  await context.clearCookies({ name: session[0].name });
  await page.reload();
  await expect(page.getByRole("status")).toContainText("Your session has expired");
  await signIn(page, user.email, PASSWORD);
  await expect(page).toHaveURL(user.path("events?not_sent=1"));
});

for (const [name, next] of [
  ["another site", "https://evil.example/"],
  ["another site without a scheme", "//evil.example/"],
  ["another site with a backslash", "/\\evil.example/"],
]) {
  test(`a redirect to ${name} is refused`, async ({ page, user, context, baseURL }) => {
    await context.clearCookies();
    await page.goto(`/sign-in?next=${encodeURIComponent(next)}`);
    await signIn(page, user.email, PASSWORD);
    await expect(page).toHaveURL(`${baseURL}${user.path("start")}`);
  });
}
