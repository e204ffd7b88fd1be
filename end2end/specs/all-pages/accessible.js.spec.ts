// Every page, light and dark, on a desktop and on a phone: no axe violations and no horizontal scrolling.
import { DESKTOP, expectAccessible } from "../../fixtures/axe";
import { test } from "../../fixtures/test";
import { VIEWS } from "../../fixtures/views";

for (const view of VIEWS) {
  test(`${view.name}: no accessibility violations and no horizontal scrolling`, async ({ page, show }) => {
    await page.setViewportSize(DESKTOP);
    await show(view);
    await expectAccessible(page);
  });
}
