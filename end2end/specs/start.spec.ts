import { expect, test } from "@playwright/test";

test("the first page is a whole document without inline script or style", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  expect(await page.locator("script:not([src]), style, [style]").count()).toBe(0);
});

test("the islands wake, and the page stands without them", async ({ page, javaScriptEnabled }) => {
  await page.goto("/");
  const html = page.locator("html");
  if (javaScriptEnabled) await expect(html).toHaveAttribute("data-islands", "awake");
  else await expect(html).not.toHaveAttribute("data-islands");
});
