// Browser tests against the debug server that `make test` has just built. Every spec runs twice: with JavaScript, and
// without, as pages must work before the islands arrive.
import { defineConfig, devices } from "@playwright/test";
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const target = process.env.CARGO_TARGET_DIR ?? "../target";
const port = 3199;
const data = mkdtempSync(join(tmpdir(), "offhook-end2end-"));
const chromium = ["/usr/bin/chromium", "/usr/bin/google-chrome"].find((path) => existsSync(path));

export default defineConfig({
  testDir: "specs",
  outputDir: "results",
  fullyParallel: true,
  forbidOnly: !!process.env.CI,
  workers: 2,
  timeout: 30_000,
  reporter: "list",
  use: {
    ...devices["Desktop Chrome"],
    baseURL: `http://127.0.0.1:${port}`,
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: chromium,
      // Chromium's own traffic is no part of a test, and its sandbox does not start under root.
      args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    },
  },
  projects: [
    { name: "js", use: { javaScriptEnabled: true } },
    { name: "no-js", use: { javaScriptEnabled: false } },
  ],
  webServer: {
    command: `${target}/debug/offhook serve`,
    url: `http://127.0.0.1:${port}/`,
    env: {
      OFFHOOK_LISTEN: `127.0.0.1:${port}`,
      OFFHOOK_DATA: data,
      OFFHOOK_EGRESS_ALLOW: "127.0.0.0/8,::1/128",
    },
  },
});
