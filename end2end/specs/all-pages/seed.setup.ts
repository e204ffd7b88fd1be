import { build, keep } from "../../fixtures/seed";
import { test } from "../../fixtures/test";

test("set up the demo account", async ({ browser }) => {
  keep(await build(browser));
});
