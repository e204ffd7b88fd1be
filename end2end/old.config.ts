// Browser tests against the debug server that `make test` has just built. Every spec runs twice: with JavaScript, and
// without, as pages must work before the islands arrive. A spec that runs once stands in one of the two lists below.
import { defineConfig, devices } from "@playwright/test";
import { certificates } from "./fixtures/certificates";
import { BASE_URL, CHROMIUM, LISTEN, MAIL_PORT, OFFHOOK, data, log } from "./fixtures/place";

/** About what script does, or measured with it: weight, the look, and the live list. */
const WITH_SCRIPT_ONLY = ["**/*.js.spec.ts"];
/** About the document as the server sends it, before any script has touched it. */
const WITHOUT_SCRIPT_ONLY = ["**/*.html.spec.ts"];

export default defineConfig({
  testDir: "specs",
  outputDir: "results",
  fullyParallel: true,
  forbidOnly: !!process.env.CI,
  // On a machine that others use too, a browser is sometimes late. What passes at the second try is listed as flaky: look at it.
  retries: process.env.CI ? 1 : 0,
  workers: 2,
  timeout: 45_000,
  expect: { timeout: 10_000 },
  reporter: "list",
  globalSetup: "./fixtures/mail.ts",
  globalTeardown: "./fixtures/teardown.ts",
  use: {
    ...devices["Desktop Chrome"],
    baseURL: BASE_URL,
    screenshot: "only-on-failure",
    // A trace of each test costs a third of the time: TRACE=1 to have them.
    trace: process.env.TRACE ? "retain-on-failure" : "off",
    launchOptions: CHROMIUM,
  },
  projects: [
    { name: "set-up", testMatch: "**/seed.setup.ts" },
    { name: "js", use: { javaScriptEnabled: true }, testIgnore: WITHOUT_SCRIPT_ONLY, dependencies: ["set-up"] },
    { name: "no-js", use: { javaScriptEnabled: false }, testIgnore: WITH_SCRIPT_ONLY, dependencies: ["set-up"] },
  ],
  webServer: {
    // Kept as well as shown: the end of the run looks into it for secrets.
    command: `${OFFHOOK} serve 2>&1 | tee ${log()} >&2`,
    url: `${BASE_URL}/readyz`,
    env: {
      OFFHOOK_LISTEN: LISTEN,
      OFFHOOK_DATA: data(),
      OFFHOOK_LOG: "info,server=debug,engine=debug,app=debug",
      OFFHOOK_SMTP_URL: `smtp://127.0.0.1:${MAIL_PORT}`,
      OFFHOOK_MAIL_FROM: "Offhook <offhook@provider.example>",
      OFFHOOK_EGRESS_ALLOW: "127.0.0.0/8,::1/128",
      // The certificates of the receivers come from an issuer of our own, so that only what a spec means is wrong.
      SSL_CERT_FILE: certificates().issuer,
    },
  },
});
