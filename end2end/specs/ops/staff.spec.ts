import { randomUUID } from "node:crypto";
import { PASSWORD, newOperator, postSignIn } from "../../fixtures/account";
import { linkIn } from "../../fixtures/mail";
import { expect, test } from "../../fixtures/test";

test("a staff member is invited, becomes an operator and is removed", async ({ ops, other }) => {
  const email = `sam.${randomUUID()}@provider.example`;
  await ops.goto("/ops/staff");
  await ops.getByRole("link", { name: "Invite staff" }).click();
  await ops.getByLabel("Email").fill(email);
  await ops.getByRole("radio", { name: "Support" }).check();
  await ops.getByRole("button", { name: "Send invitation" }).click();
  await expect(ops.getByRole("status")).toContainText(`email an invitation to ${email}`);

  const sam = await other();
  await sam.goto(await linkIn(email));
  await expect(sam.getByRole("heading", { name: "Join the staff" })).toBeVisible();
  await sam.getByLabel("Password").fill("short");
  await sam.getByRole("button", { name: "Accept invitation" }).click();
  await expect(sam.getByRole("alert")).toContainText("Use at least 12 characters.");
  await sam.getByLabel("Password").fill(PASSWORD);
  await sam.getByRole("button", { name: "Accept invitation" }).click();
  await expect(sam).toHaveURL("/support");
  await sam.goto("/ops");
  await expect(sam.getByRole("heading", { level: 1 })).toHaveText("This page doesn't exist");

  await ops.goto("/ops/staff");
  await ops.getByRole("link", { name: `Change role of ${email}` }).click();
  await ops.getByRole("radio", { name: "Operator" }).check();
  await ops.getByRole("button", { name: "Save role" }).click();
  await expect(ops.getByRole("status")).toContainText(`${email} now has the role operator.`);
  await sam.goto("/ops/staff");
  await expect(sam.getByText(`${email} (you)`)).toBeVisible();

  await ops.getByRole("link", { name: `Remove ${email}` }).click();
  await ops.getByRole("button", { name: "Remove from staff" }).click();
  await expect(ops.getByRole("status")).toContainText(`${email} was removed from the staff`);
  await sam.reload();
  await expect(sam.getByRole("heading", { level: 1 })).toHaveText("This page doesn't exist");
});

test("users can't change their own role", async ({ page }) => {
  const email = await newOperator();
  await postSignIn(page.request, email);
  await page.goto("/ops/staff");
  const own = page.getByRole("listitem").filter({ hasText: `${email} (you)` });
  await expect(own).toBeVisible();
  await expect(own.getByRole("link")).toHaveCount(0);
});
