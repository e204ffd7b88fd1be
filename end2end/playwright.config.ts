// Browser tests against the server that `make test` has just built. Pages must work before the islands wake, so specs of
// pages that script changes run twice: with JavaScript and without. The others run once, as listed below.
import { defineConfig, devices } from "@playwright/test";
import { certificates } from "./fixtures/certificates";
import { BASE_URL, CHROMIUM, LISTEN, MAIL_PORT, OFFHOOK, data, log } from "./fixtures/place";

/** About what script does, or measured with it: weight, look, and the live list. */
const WITH_SCRIPT_ONLY = ["**/*.js.spec.ts"];
/**
 * About the document as the server sends it, and about pages on which script changes nothing: no live region, no copy
 * button. Forms and links there are the browser's own, so a second run would assert the same twice. That these pages load
 * with script and log no fault is tested by `accessible.js.spec.ts`, which opens all of them.
 */
const WITHOUT_SCRIPT_ONLY = [
  "**/*.html.spec.ts",
  "**/specs/{help,me,not-found,sign-in,sign-out,sign-up}.spec.ts",
  "**/audit/*.spec.ts",
  "**/endpoints/{delete,edit,list}.spec.ts",
  "**/events/*.spec.ts",
  "**/ops/{accounts,policies,policies-set,staff}.spec.ts",
  "**/users/{limits,members,security}.spec.ts",
];

export default defineConfig({
  testDir: "specs",
  outputDir: "results",
  fullyParallel: true,
  forbidOnly: !!process.env.CI,
  // On a shared machine a browser is sometimes late. Tests that pass on the second try are listed as flaky.
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
    { name: "set-up", testMatch: "**/seed.setup.ts" },
    { name: "js", use: { javaScriptEnabled: true }, testIgnore: WITHOUT_SCRIPT_ONLY, dependencies: ["set-up"] },
    { name: "no-js", use: { javaScriptEnabled: false }, testIgnore: WITH_SCRIPT_ONLY, dependencies: ["set-up"] },
  ],
  webServer: {
    // Stored as well as shown: teardown searches it for secrets.
    command: `${OFFHOOK} serve 2>&1 | tee ${log()} >&2`,
    url: `${BASE_URL}/readyz`,
    env: {
      OFFHOOK_LISTEN: LISTEN,
      OFFHOOK_DATA: data(),
      // Each test has an address of its own in X-Forwarded-For, so none comes from this machine.
      OFFHOOK_SIGN_UP: "open",
      OFFHOOK_LOG: "info,server=debug,engine=debug,app=debug",
      OFFHOOK_SMTP_URL: `smtp://127.0.0.1:${MAIL_PORT}`,
      OFFHOOK_MAIL_FROM: "Offhook <offhook@provider.example>",
      OFFHOOK_EGRESS_ALLOW: "127.0.0.0/8,::1/128",
      // Trusts the issuer of the receivers' certificates, so that only the intended fault is left.
      SSL_CERT_FILE: certificates().issuer,
    },
  },
});
