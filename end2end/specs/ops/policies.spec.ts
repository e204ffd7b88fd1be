import { expect, test } from "../../fixtures/test";

test("a policy is previewed before it is saved, and invalid values are rejected", async ({ ops }) => {
  await ops.goto("/ops/policies");
  const egress = ops.getByRole("region", { name: "Allowed private networks" });
  await egress.getByLabel("Networks in CIDR notation").fill("10.0.0.0/40");
  await egress.getByRole("button", { name: "Preview" }).click();
  await expect(egress.getByRole("alert")).toContainText("10.0.0.0/40 is not a network.");
  await expect(egress.getByLabel("Networks in CIDR notation")).toHaveValue("10.0.0.0/40");
  await egress.getByLabel("Networks in CIDR notation").fill("10.20.0.0/16, 169.254.0.0/16");
  await egress.getByRole("button", { name: "Preview" }).click();
  await expect(egress.getByRole("status")).toContainText("10.20.0.0/16 (65,536 addresses)");
  await expect(egress.getByRole("status")).toContainText("where clouds hand out the machine");
  await egress.getByRole("link", { name: "Cancel" }).click();
  await expect(ops.getByRole("button", { name: "Save policy" })).toHaveCount(0);
});

test("retries and timeouts are shown read-only", async ({ ops }) => {
  await ops.goto("/ops/policies");
  await expect(ops.getByRole("region", { name: "Retries" })).toContainText("immediately, then after");
  await expect(ops.getByRole("region", { name: "Timeouts" })).toContainText("15 s, or 1 s to 30 s if set for the endpoint");
});
