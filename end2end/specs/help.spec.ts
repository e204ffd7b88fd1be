import { expect, test } from "../fixtures/test";
import { CAUSES } from "../fixtures/views/public";

const GUIDES = ["Set up a webhook", "Verify a request", "Retries and order", "Causes of failures", "REST API"];

test("every guide is one click from the help page, signed in or not", async ({ page }) => {
  for (const title of GUIDES) {
    await page.goto("/help");
    await page.getByRole("main").getByRole("link", { name: title }).last().click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(title);
  }
});

test("every cause is in the catalogue and has its own page", async ({ page, request }) => {
  await page.goto("/help/causes");
  const links = page.getByRole("main").locator('a[href^="/help/causes/"]');
  const hrefs = await links.evaluateAll((all) => all.map((link) => link.getAttribute("href")!));
  expect(new Set(hrefs)).toEqual(new Set(CAUSES.map((cause) => `/help/causes/${cause}`)));
  for (const href of hrefs) {
    const response = await request.get(href);
    expect(response.status(), href).toBe(200);
    const text = await response.text();
    for (const part of ["Try this first", "Possible causes", "How to check", "How to fix", "In the meantime"]) {
      expect(text, `${href}: ${part}`).toContain(part);
    }
  }
  await links.first().click();
  await expect(page.getByRole("link", { name: "All causes" })).toBeVisible();
});

test("no guide has a dead link", async ({ page, request }) => {
  const seen = new Set<string>();
  for (const path of ["", "/setting-up", "/verify", "/retries", "/causes", "/api"]) {
    await page.goto(`/help${path}`);
    const hrefs = await page.locator('a[href^="/"]').evaluateAll((all) => all.map((link) => link.getAttribute("href")!));
    const anchors = await page.locator('a[href^="#"]').evaluateAll((all) => all.map((link) => link.getAttribute("href")!));
    for (const anchor of anchors) await expect(page.locator(`[id="${anchor.slice(1)}"]`), path + anchor).toHaveCount(1);
    for (const href of hrefs) seen.add(href.split("#")[0]);
  }
  for (const href of seen) expect((await request.get(href)).status(), href).toBe(200);
});

test("an unknown cause is not found", async ({ page }) => {
  const response = await page.goto("/help/causes/magic");
  expect(response?.status()).toBe(404);
});
