// Browser tests against the debug server that `make test` has built. Every spec runs with and without JavaScript, because
// pages must work without islands. Specs that run only once are in one of the two lists below.
import { defineConfig, devices } from "@playwright/test";
import { certificates } from "./fixtures/certificates";
import { BASE_URL, CHROMIUM, LISTEN, MAIL_PORT, OFFHOOK, data, log } from "./fixtures/place";

/** Specs that need script: sizes, accessibility and live updates. */
const WITH_SCRIPT_ONLY = ["**/*.js.spec.ts"];
/** Specs of the document as the server sends it. */
const WITHOUT_SCRIPT_ONLY = ["**/*.html.spec.ts"];

export default defineConfig({
  testDir: "specs",
  outputDir: "results",
  fullyParallel: true,
  forbidOnly: !!process.env.CI,
  // Browsers are sometimes slow on shared machines. Specs that pass on the second attempt are reported as flaky.
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
    // Traces take a third of the time; set TRACE=1 to record them.
    trace: process.env.TRACE ? "retain-on-failure" : "off",
    launchOptions: CHROMIUM,
  },
  projects: [
    { name: "set-up", testMatch: "**/house.setup.ts" },
    { name: "js", use: { javaScriptEnabled: true }, testIgnore: WITHOUT_SCRIPT_ONLY, dependencies: ["set-up"] },
    { name: "no-js", use: { javaScriptEnabled: false }, testIgnore: WITH_SCRIPT_ONLY, dependencies: ["set-up"] },
  ],
  webServer: {
    // Also written to a file, which teardown.ts searches for secrets.
    command: `${OFFHOOK} serve 2>&1 | tee ${log()} >&2`,
    url: `${BASE_URL}/readyz`,
    env: {
      OFFHOOK_LISTEN: LISTEN,
      OFFHOOK_DATA: data(),
      OFFHOOK_LOG: "info,server=debug,engine=debug,app=debug",
      OFFHOOK_SMTP_URL: `smtp://127.0.0.1:${MAIL_PORT}`,
      OFFHOOK_MAIL_FROM: "Offhook <offhook@provider.example>",
      OFFHOOK_EGRESS_ALLOW: "127.0.0.0/8,::1/128",
      // Trusts the issuer of the receivers' certificates.
      SSL_CERT_FILE: certificates().issuer,
    },
  },
});
