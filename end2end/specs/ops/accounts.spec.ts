import { randomUUID } from "node:crypto";
import { PASSWORD, newOperator } from "../../fixtures/account";
import { linkIn } from "../../fixtures/mail";
import { expect, test } from "../../fixtures/test";

test("an operator creates an account, and its first admin joins with the emailed link", async ({ page, other }) => {
  await page.goto("/sign-in");
  await page.getByLabel("Email").fill(await newOperator());
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL("/ops");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^(Healthy|Deliveries are late): /);
  await expect(page.getByRole("heading", { name: "Installation" })).toBeVisible();

  const [name, admin] = [`Beta ${randomUUID()}`, `bob.${randomUUID()}@beta.example`];
  await page.getByRole("navigation", { name: "Operator" }).getByRole("link", { name: "Accounts" }).click();
  await page.getByRole("link", { name: "Create account" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Email of the first admin").fill(admin);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("status")).toContainText(`email an invitation to ${admin}`);
  await expect(page.getByText("None yet")).toBeVisible();

  const bob = await other();
  await bob.goto(await linkIn(admin));
  await bob.getByLabel("Password").fill(PASSWORD);
  await bob.getByRole("button", { name: "Accept invitation" }).click();
  await expect(bob).toHaveURL(/\/a\/acct_\w+(\/start)?$/);

  await page.goto(`/ops/accounts?q=${encodeURIComponent(name.slice(0, 20))}`);
  await page.getByRole("link", { name }).click();
  await expect(page.getByText("1 member", { exact: true })).toBeVisible();
  await page.getByRole("textbox", { name: "Name" }).fill(" ");
  await page.getByRole("button", { name: "Save name" }).click();
  await expect(page.getByRole("alert")).toContainText("Enter a name of 1 to 120 characters");
  await page.getByRole("textbox", { name: "Name" }).fill(`${name} Ltd`);
  await page.getByRole("button", { name: "Save name" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`${name} Ltd`);
});

test("a suspended account shows a banner, holds its events and sends them when resumed", async ({ page, user, api, receiver, ops }) => {
  await api.endpoint(receiver.url, { name: "CRM" });
  await ops.goto(`/ops/accounts/${user.acct}`);
  await ops.getByRole("link", { name: "Suspend" }).click();
  await ops.getByLabel("Reason").fill("no");
  await ops.getByRole("button", { name: "Suspend account" }).click();
  await expect(ops.getByRole("alert")).toContainText("Enter a reason of 4 to 300 characters.");
  await ops.getByLabel("Reason").fill("The invoice of May is unpaid");
  await ops.getByRole("button", { name: "Suspend account" }).click();
  await expect(ops.getByRole("status")).toContainText("Its events are held.");

  await page.goto(user.path("endpoints"));
  const band = page.getByRole("region", { name: "Account suspended" });
  await expect(band).toContainText("Acme Telephony has been suspended since");
  await expect(band).toContainText("The invoice of May is unpaid");
  await expect(page.getByRole("link", { name: "New endpoint" })).toHaveCount(0);
  await page.goto(user.path("settings"));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("This account is suspended");
  await expect(api.call()).rejects.toThrow(/403 .*This account is suspended: The invoice of May is unpaid/);

  await ops.getByRole("button", { name: "Resume account" }).click();
  await expect(ops.getByRole("status")).toContainText("Held events are being sent.");
  await page.goto(user.path("audit"));
  await expect(page.getByText("Account suspended")).toBeVisible();
  await expect(page.getByText("Account resumed")).toBeVisible();
  await expect(band).toHaveCount(0);
});

test("limits can be set and removed, and invalid limits are rejected", async ({ page, user, api, ops }) => {
  await ops.goto(`/ops/accounts/${user.acct}`);
  await ops.getByLabel(/^Endpoints(?! at)/).fill("0");
  await ops.getByRole("button", { name: "Save limits" }).click();
  await expect(ops.getByRole("alert")).toContainText("Enter a number from 1 to 5000");
  await ops.getByLabel(/^Endpoints(?! at)/).fill("1");
  await ops.getByRole("button", { name: "Save limits" }).click();
  await expect(ops.getByRole("status")).toContainText("Saved.");
  await api.endpoint("https://crm.acme.example/calls");
  await page.goto(user.path("endpoints/new"));
  await page.getByLabel("URL").fill("https://billing.acme.example/calls");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText("This account is limited to 1 endpoint.");
  await ops.getByLabel(/^Endpoints(?! at)/).fill("");
  await ops.getByRole("button", { name: "Save limits" }).click();
  await expect(ops.getByRole("status")).toContainText("Saved.");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("alert")).toHaveCount(0);
});
