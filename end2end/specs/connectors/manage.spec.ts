// The page of a connector: its state, its gaps, and what can be done with it.
import type { Page } from "@playwright/test";
import { offhookWithInput, PASSWORD, postSignIn, type User } from "../../fixtures/account";
import { Program } from "../../fixtures/connector";
import { expect, test } from "../../fixtures/test";

/** A connector of an account, with the program that reports for it. */
async function created(page: Page, user: User, name = "pbx-leeds") {
  await page.goto(user.path("connectors/new?system=asterisk"));
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Create connector" }).click();
  const text = (await page.locator("pre").allTextContents()).join("\n");
  const [, connector] = /--connector (con_\w+)/.exec(text)!;
  const [, token] = /'(oh_[\w-]{43})' > token/.exec(text)!;
  return { program: new Program(token, connector), path: user.path(`connectors/${connector}`) };
}

test("the page of a connector shows its state, a problem with its remedy, and gaps", async ({ page, user }) => {
  const { program, path } = await created(page, user);
  await program.connected({ calls_open: 4, lag_ms: 11, last_event_at: new Date().toISOString() });
  const now = Date.now();
  await program.gap(new Date(now - 600_000), new Date(now - 600_000 + 188_000));
  await page.goto(path);
  await expect(page.getByRole("heading", { name: "pbx-leeds is connected" })).toBeVisible();
  await expect(page.getByText("calls open").locator("..")).toContainText("4");
  await expect(page.getByText("lag", { exact: true }).locator("..")).toContainText("11 ms");
  const gaps = page.getByRole("region", { name: "Gaps" });
  await expect(gaps.getByRole("row").nth(1)).toContainText("3 min 8 s");
  await expect(gaps.getByText("2 of 3 filled in, 1 incomplete")).toBeVisible();
  await program.connected({ problem: "unknown_trunk", detail: "Asterisk has no endpoint of this name: provider2. List them with: asterisk -rx 'pjsip show endpoints'" });
  await page.reload();
  await expect(page.getByText("No call used any of the trunks.")).toContainText("Asterisk has no endpoint of this name: provider2.");
  await expect(page.getByRole("region", { name: "History" })).toContainText("Connector created");
});

test("a connector is edited, paused, resumed and deleted", async ({ page, user }) => {
  const { path } = await created(page, user);
  await page.goto(path);
  await page.getByRole("link", { name: "Edit" }).click();
  await page.getByLabel("Name").fill("pbx-york");
  await page.getByLabel("Trunks, one per line").fill("provider\nbackup");
  await page.getByLabel("Country").fill("UK");
  await page.getByLabel("Report internal calls").check();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("alert")).toContainText("such as GB");
  await expect(page.getByLabel("Name")).toHaveValue("pbx-york");
  await page.getByLabel("Country").fill("GB");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("pbx-york saved.")).toBeVisible();
  await expect(page.getByText("provider, backup")).toBeVisible();

  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByRole("heading", { name: "pbx-york is paused" })).toBeVisible();
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(page.getByText("pbx-york is resumed.")).toBeVisible();

  await page.getByRole("link", { name: "Delete" }).click();
  await expect(page.getByText("Events that it has reported are kept.")).toBeVisible();
  await page.getByRole("link", { name: "Cancel" }).click();
  await page.getByRole("link", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete connector" }).click();
  await expect(page.getByText("pbx-york deleted.")).toBeVisible();
  await expect(page.getByRole("heading", { name: "No phone system is connected" })).toBeVisible();
});

test("developers see a connector without its controls, and viewers don't see it", async ({ page, user, other }) => {
  const { path } = await created(page, user);
  for (const role of ["developer", "viewer"]) {
    const email = `${role}.${user.email}`;
    offhookWithInput(`${PASSWORD}\n`, "user", "create", "--email", email, "--account", user.acct, "--role", role);
    const theirs = await other();
    await postSignIn(theirs.request, email);
    const response = await theirs.goto(path);
    if (role === "viewer") {
      expect(response!.status()).toBe(403);
      await expect(theirs.getByRole("link", { name: "Connectors" })).toHaveCount(0);
      continue;
    }
    await expect(theirs.getByRole("heading", { name: "pbx-leeds has not connected yet" })).toBeVisible();
    for (const name of ["Edit", "Delete", "Rotate secret", "Setup"]) {
      await expect(theirs.getByRole("link", { name, exact: true })).toHaveCount(0);
    }
    await expect(theirs.getByText("••••")).toHaveCount(0);
    expect((await theirs.goto(`${path}/connect`))!.status()).toBe(403);
  }
});

test("a number without a route is listed and assigned, and its next call arrives", async ({ ops, user, api }) => {
  await ops.goto("/ops/connectors/new?system=asterisk");
  await ops.getByLabel("Name").fill("pbx-shared");
  await ops.getByLabel("Country").fill("GB");
  await ops.getByRole("button", { name: "Create connector" }).click();
  const text = (await ops.locator("pre").allTextContents()).join("\n");
  const [, connector] = /--connector (con_\w+)/.exec(text)!;
  const [, token] = /'(oh_[\w-]{43})' > token/.exec(text)!;
  const program = new Program(token, connector);
  await program.call({ dialled: "01632960500" });
  await ops.goto(`/ops/connectors/${connector}`);
  const unrouted = ops.getByRole("region", { name: "Unrouted numbers" });
  await expect(unrouted.getByText("1 number has no route")).toBeVisible();
  await expect(unrouted.getByText("+44 1632 960 500").first()).toBeVisible();
  const account = unrouted.getByLabel(/^Account for/);
  if ((await account.evaluate((one) => one.tagName)) === "SELECT") await account.selectOption(user.acct);
  else await account.fill(user.acct);
  await unrouted.getByRole("button", { name: /^Assign/ }).click();
  await expect(ops.getByText(/1632960500 is routed from the next call on\./)).toBeVisible();
  await expect(ops.getByRole("region", { name: "Unrouted numbers" })).toContainText("None.");
  const call = await program.call({ dialled: "01632960500" });
  const { data } = await api.get<{ data: { call_id: string }[] }>(`events?call=${call}`);
  expect(data.length).toBe(2);
});

test("a routing table is imported, searched and changed, and lines that are not understood are named", async ({ ops, user }) => {
  await ops.goto("/ops/connectors/new?system=asterisk");
  await ops.getByLabel("Name").fill("pbx-routes");
  await ops.getByLabel("Country").fill("GB");
  await ops.getByRole("button", { name: "Create connector" }).click();
  const page = ops.url().replace(/\/connect$/, "");
  await ops.goto(`${page}/routes`);
  await expect(ops.getByRole("heading", { name: "No routes yet" })).toBeVisible();
  await ops.getByRole("link", { name: "Import CSV" }).first().click();
  await ops.getByLabel("Table").fill(`number,account\n01632 960001,${user.acct}\nhello,${user.acct}\n+4416329602*,`);
  await ops.getByRole("button", { name: "Replace routing table" }).click();
  await expect(ops.getByRole("alert")).toContainText("Line 3:");
  await expect(ops.getByRole("alert")).toContainText("Line 4: the account is missing.");
  await expect(ops.getByLabel("Table")).toHaveValue(/hello/);
  await ops.getByLabel("Table").fill(`01632 960001,${user.acct}\n+4416329602*,${user.acct}\n*,${user.acct}`);
  await ops.getByRole("button", { name: "Replace routing table" }).click();
  await expect(ops.getByText("3 added, 0 changed, 0 removed.")).toBeVisible();
  await ops.getByLabel("Number begins with").fill("+4416329602");
  await ops.getByRole("button", { name: "Search" }).click();
  await expect(ops.getByRole("button", { name: /^Remove/ })).toHaveCount(1);
  await ops.getByRole("button", { name: "Remove route +4416329602*" }).click();
  await expect(ops.getByText("Route +4416329602* removed.")).toBeVisible();
  await expect(ops.getByRole("button", { name: /^Remove/ })).toHaveCount(2);
  await ops.getByLabel("Number", { exact: true }).fill("nonsense");
  await ops.getByRole("button", { name: "Save route" }).click();
  await expect(ops.getByRole("alert")).toContainText("is no pattern");
});
