import { expect, test } from "../fixtures/test";

for (const path of ["/nowhere", "/a/acct_nobody/deliveries/x/y/z", "/help/nothing"]) {
  test(`${path} is not in service, says so with status 404, and leads on`, async ({ page }) => {
    const response = await page.goto(path);
    expect(response?.status()).toBe(404);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("The number you have dialled is not in service");
    await expect(page).toHaveTitle(/not in service/);
    await page.getByRole("link", { name: "Go to the start page" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in");
  });
}
