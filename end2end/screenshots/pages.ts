// Every page in its main states, to be looked at: target/screenshots/<page>.<width>.<light|dark>.png.
import { join } from "node:path";
import { test } from "../fixtures/test";
import { VIEWS } from "../fixtures/views";

const FOLDER = join(import.meta.dirname, "../../target/screenshots");

for (const view of VIEWS) {
  test(view.name, async ({ page, show }) => {
    await show(view);
    const name = view.name.replace(/[^a-z0-9]+/gi, "-");
    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 800 });
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: join(FOLDER, `${name}.${width}.${colorScheme}.png`), fullPage: true });
      }
    }
  });
}
