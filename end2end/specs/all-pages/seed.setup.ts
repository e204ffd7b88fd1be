import { build, keep } from "../../fixtures/seed";
import { test } from "../../fixtures/test";

test("an account with everything in it stands ready to be looked at", async ({ browser }) => {
  keep(await build(browser));
});
