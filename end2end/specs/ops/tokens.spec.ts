import { randomUUID } from "node:crypto";
import { BASE_URL } from "../../fixtures/place";
import { expect, test } from "../../fixtures/test";

test("a platform token is created, sends events for any account, is rotated and revoked", async ({ ops, user }) => {
  const name = `PBX ${randomUUID()}`;
  await ops.goto("/ops/tokens/new");
  await ops.getByLabel("Name").fill(name);
  await expect(ops.getByRole("checkbox")).toHaveCount(3);
  await ops.getByLabel("connectors:read").check();
  await ops.getByLabel("events:write").uncheck();
  await ops.getByLabel("connectors:read").uncheck();
  await ops.getByRole("button", { name: "Create token" }).click();
  await expect(ops.getByRole("alert")).toContainText("Choose at least one scope.");
  await ops.getByLabel("events:write").check();
  await ops.getByLabel("connectors:read").check();
  await ops.getByRole("button", { name: "Create token" }).click();
  await expect(ops.getByRole("heading", { name: "Copy your token now" })).toBeVisible();
  const token = await ops.locator("code", { hasText: /^oh_[\w-]{43}$/ }).innerText();
  const post = async () => {
    const payload = { event: "IncomingCall", call_id: randomUUID(), callee_number: "+441632960001", caller_number: "+441632960002" };
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const body = JSON.stringify({ account: user.acct, payload });
    return (await fetch(`${BASE_URL}/api/v1/events`, { method: "POST", headers, body })).status;
  };
  expect(await post()).toBe(202);
  const headers = { authorization: `Bearer ${token}` };
  expect((await fetch(`${BASE_URL}/api/v1/connectors`, { headers })).status).toBe(200);

  await ops.getByRole("link", { name: "Done" }).click();
  await expect(ops).toHaveURL("/ops/tokens");
  await ops.getByRole("link", { name }).click();
  await expect(ops.locator("code", { hasText: /^oh_[\w-]{43}$/ })).toHaveCount(0);
  await ops.getByLabel("Keep the current token active for").selectOption("1 hour");
  await ops.getByRole("button", { name: "Rotate token" }).click();
  await expect(ops.getByRole("heading", { name: "Copy your token now" })).toBeVisible();
  expect(await post()).toBe(202);

  await ops.getByRole("link", { name: "All tokens" }).click();
  await ops.getByRole("listitem").filter({ hasText: "Replaced, active until" }).filter({ hasText: name }).getByRole("link").click();
  await ops.getByRole("link", { name: "Revoke" }).click();
  const lately = ops.getByLabel(/used in the last 24 hours/);
  if (await lately.isVisible()) await lately.fill(name);
  await ops.getByRole("button", { name: "Revoke token" }).click();
  await expect(ops.getByRole("status")).toContainText("was revoked");
  expect(await post()).toBe(401);
});
