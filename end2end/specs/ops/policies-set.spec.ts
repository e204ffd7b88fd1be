// Policies apply to a whole server, so each of these tests has a server of its own.
import type { Locator, Page } from "@playwright/test";
import { PASSWORD } from "../../fixtures/account";
import { expect, test } from "../../fixtures/own";

/** Enters a value for a policy, previews and saves it. Returns the policy's panel. */
async function set(ops: Page, title: string, write: (panel: Locator) => Promise<unknown>) {
  const panel = await preview(ops, title, write);
  await panel.getByRole("button", { name: "Save policy" }).click();
  await expect(ops.getByRole("status")).toContainText(`${title} saved.`);
  return panel;
}

async function preview(ops: Page, title: string, write: (panel: Locator) => Promise<unknown>) {
  await ops.goto("/ops/policies");
  const panel = ops.getByRole("region", { name: title });
  await write(panel);
  await panel.getByRole("button", { name: "Preview" }).click();
  return panel;
}

async function leaveToEnvironment(ops: Page, title: string) {
  await ops.getByRole("region", { name: title }).getByRole("button", { name: "Reset to environment variable" }).click();
  await expect(ops.getByRole("status")).toContainText(`${title} cleared. The environment variable applies again.`);
}

test("sign-up can be closed and reopened", async ({ page, ops }) => {
  await page.goto("/sign-up");
  await page.getByLabel("Email").fill("ana@acme.example");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByLabel("Account name").fill("Acme Telephony");
  const panel = await set(ops, "Sign-up", (panel) => panel.getByLabel("Who may create an account").selectOption("By invitation"));
  await expect(panel).toContainText("Only invited users can join.");
  await expect(panel).toContainText("Set here by olga.");

  // Submitting a form that was opened before is too late.
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("alert")).toContainText("Sign-up is closed.");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign-up is closed");
  await page.goto("/sign-in");
  await expect(page.getByRole("link", { name: "Create an account" })).toHaveCount(0);

  await leaveToEnvironment(ops, "Sign-up");
  await page.goto("/sign-in");
  await page.getByRole("link", { name: "Create an account" }).click();
  await expect(page.getByLabel("Account name")).toBeVisible();
});

test("an endpoint can use a private address if its network is allowed", async ({ page, user, ops, receiver }) => {
  const title = "Allowed private networks";
  await page.goto(user.path("endpoints/new"));
  await page.getByLabel("URL").fill(receiver.url);
  await page.getByRole("button", { name: "Save and send test" }).click();
  await expect(page.getByRole("alert")).toContainText("private");
  await expect(page.getByLabel("URL")).toHaveValue(receiver.url);

  await set(ops, title, (panel) => panel.getByLabel("Networks in CIDR notation").fill("127.0.0.0/8"));
  await page.getByRole("button", { name: "Save and send test" }).click();
  await expect(page.getByRole("region", { name: /IncomingCall: 200/ })).toBeVisible();

  await leaveToEnvironment(ops, title);
  await page.getByRole("link", { name: "Send test" }).click();
  await page.getByRole("button", { name: "Send test" }).click();
  await expect(page.getByText("resolves to a private address, which is blocked").first()).toBeVisible();
  expect(receiver.requests).toHaveLength(1);
});

test("no account keeps data longer than the maximum retention", async ({ page, user, ops }) => {
  const days = "Event retention (days)";
  const wrong = await preview(ops, "Maximum retention", (panel) => panel.getByLabel("Days").fill("for ever"));
  await expect(wrong.getByRole("alert")).toContainText("Enter 1 to 36,500 days.");
  await expect(wrong.getByLabel("Days")).toHaveValue("for ever");
  await expect(ops.getByRole("button", { name: "Save policy" })).toHaveCount(0);
  const panel = await set(ops, "Maximum retention", (panel) => panel.getByLabel("Days").fill("60"));
  await expect(panel).toContainText("for longer than 60 days");

  // The account still has its own 90 days. Other settings can be changed without touching them.
  await page.goto(user.path("settings"));
  await page.getByLabel("Account name").fill("Acme Voice");
  await page.getByRole("button", { name: "Save settings" }).click();
  await expect(page.getByRole("status")).toBeVisible();
  await page.getByLabel(days).fill("61");
  await page.getByRole("button", { name: "Save settings" }).click();
  await expect(page.getByRole("alert")).toContainText("Choose 1 to 60 days.");
  await expect(page.getByLabel(days)).toHaveValue("61");
  await page.getByLabel(days).fill("60");
  await page.getByRole("button", { name: "Save settings" }).click();
  await expect(page.getByRole("status")).toBeVisible();
  await ops.goto(`/ops/accounts/${user.acct}`);
  await expect(ops.getByText("Defaults to 60, as for all accounts.")).toBeVisible();
});

test("members of a suspended account see who to contact", async ({ page, user, ops }) => {
  const panel = await set(ops, "Support contact", (panel) => panel.getByLabel("Email address, phone number or URL").fill("help@provider.example"));
  await expect(panel).toContainText("Set here by olga.");
  await ops.goto("/ops/audit?area=installation");
  await expect(ops.getByText("Policy changed").first()).toBeVisible();
  await ops.goto(`/ops/accounts/${user.acct}/suspend`);
  await ops.getByLabel("Reason").fill("The invoice of May is unpaid");
  await ops.getByRole("button", { name: "Suspend account" }).click();
  await expect(ops.getByRole("status")).toContainText("Its events are held.");
  await page.goto(user.path());
  await expect(page.getByRole("region", { name: "Account suspended" })).toContainText("Contact your provider: help@provider.example");
});
