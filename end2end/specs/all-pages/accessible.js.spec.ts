// Every page, light and dark, on a desktop and on a phone: no axe violations and no horizontal scrolling.
import type { Page } from "@playwright/test";
import axe from "axe-core";
import { expect, test } from "../../fixtures/test";
import { VIEWS } from "../../fixtures/views";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const OPTIONS: axe.RunOptions = { runOnly: { type: "tag", values: RULES }, resultTypes: ["violations"] };
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 780 };
/** WCAG 1.4.10: 1280 px at 400 %. */
const NARROWEST = { width: 320, height: 640 };

/** Runs axe on the page. Pages have no frames, so one run covers everything. */
async function violations(page: Page) {
  const run = (options: axe.RunOptions) => (window as unknown as { axe: typeof axe }).axe.run(document, options);
  const { violations } = await page.evaluate(run, OPTIONS);
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ html, any }) => `${id}: ${help}: ${html} ${any[0]?.message ?? ""}`));
}

/** Elements that cause horizontal scrolling. */
const sideways = (page: Page) =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const out = [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > clientWidth);
    return [`${scrollWidth - clientWidth} px`, ...out.map((one) => (one.cloneNode() as Element).outerHTML)];
  });

for (const view of VIEWS) {
  test(`${view.name}: no accessibility violations and no horizontal scrolling`, async ({ page, show }) => {
    await page.setViewportSize(DESKTOP);
    await show(view);
    await page.evaluate(axe.source);
    for (const size of [DESKTOP, PHONE]) {
      await page.setViewportSize(size);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        expect.soft(await violations(page), `${size.width} px, ${colorScheme}`).toEqual([]);
      }
    }
    for (const size of [PHONE, NARROWEST]) {
      await page.setViewportSize(size);
      expect.soft(await sideways(page), `${size.width} px`).toEqual([]);
    }
  });
}
