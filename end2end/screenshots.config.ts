// `make screenshots`: the pictures in docs/screenshots, and every page, light and dark, on a desktop and on a phone.
import { defineConfig } from "@playwright/test";
import base from "./playwright.config";

export default defineConfig({
  ...base,
  testDir: ".",
  // One account for all pictures of pages; a page does not change because another is open.
  projects: [
    { name: "set-up", testMatch: "specs/all-pages/seed.setup.ts" },
    { name: "pictures", testMatch: "screenshots/*.ts", dependencies: ["set-up"] },
  ],
});
