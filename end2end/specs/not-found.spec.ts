import { expect, test } from "../fixtures/test";

for (const path of ["/nowhere", "/a/acct_nobody/deliveries/x/y/z", "/help/nothing"]) {
  test(`${path} has status 404 and links to the start page`, async ({ page }) => {
    const response = await page.goto(path);
    expect(response?.status()).toBe(404);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("This page doesn't exist");
    await expect(page).toHaveTitle(/This page doesn't exist/);
    await expect(page.getByText("The number you have dialled is not in service.")).toBeVisible();
    await page.getByRole("link", { name: "Go to the start page" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in");
  });
}
