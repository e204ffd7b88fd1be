// From nothing to the first delivered call, with the real program beside an Asterisk that plays recorded calls.
import type { Locator, Page } from "@playwright/test";
import { signUp } from "../../fixtures/account";
import { Asterisk, recorded } from "../../fixtures/asterisk";
import { expectAccessible } from "../../fixtures/axe";
import { Program } from "../../fixtures/connector";
import { awake, expect, test as base } from "../../fixtures/test";

const test = base.extend<{ asterisk: Asterisk }>({
  asterisk: async ({}, use) => {
    const asterisk = await Asterisk.start();
    await use(asterisk);
    await asterisk.stop();
  },
});

/** Waits for what arrives while the page is open: through the live feed with script, by *Refresh* without. */
async function arrives(page: Page, javaScriptEnabled: boolean | undefined, wanted: Locator) {
  if (javaScriptEnabled) return expect(wanted).toBeVisible();
  await expect(async () => {
    await page.getByRole("link", { name: "Refresh" }).or(page.getByRole("button", { name: "Refresh" })).first().click();
    await expect(wanted).toBeVisible({ timeout: 500 });
  }).toPass();
}

/** What an administrator takes from the block with this title: by its button with script, by selecting the text without. */
async function copied(page: Page, javaScriptEnabled: boolean | undefined, title: string): Promise<string> {
  const block = page.locator("section").filter({ has: page.getByRole("heading", { name: title }) });
  if (!javaScriptEnabled) return block.locator("pre").innerText();
  await block.getByRole("button", { name: "Copy" }).click();
  await expect(block.getByRole("button", { name: "Copied" })).toBeVisible();
  return page.evaluate(() => navigator.clipboard.readText());
}

/** What a connector's page asks for, done on the machine of the phone system. */
async function follow(page: Page, asterisk: Asterisk, javaScriptEnabled: boolean | undefined, mistake = (conf: string) => conf) {
  const copy = (title: string) => copied(page, javaScriptEnabled, title);
  asterisk.writes(mistake(await copy("Paste into manager.conf")));
  asterisk.runs(await copy("Store the credentials on the same machine"), await copy("Run the connector"));
}

/** What the page shows once: the text of `manager.conf`, and the token in the command that stores it. */
async function pasted(page: Page) {
  const text = (await page.locator("pre").allTextContents()).join("\n");
  return { secret: /^secret = (\S+)$/m.exec(text)?.[1], token: /'(oh_[\w-]{43})' > token/.exec(text)?.[1], text };
}

/** Creates a connector for Asterisk by the pages. */
async function create(page: Page, name: string) {
  await page.getByRole("link", { name: "Connectors" }).first().click();
  await page.getByRole("link", { name: "Connect a phone system" }).click();
  await expectAccessible(page);
  await page.getByRole("link", { name: "Asterisk or FreePBX" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Country").fill("GB");
  await expectAccessible(page, "the form of a new connector");
  await page.getByRole("button", { name: "Create connector" }).click();
  await expect(page.getByText(`${name} created.`)).toBeVisible();
}

test("from sign-up to the first delivered call", async ({ page, context, receiver, asterisk, javaScriptEnabled }) => {
  test.slow();
  if (javaScriptEnabled) await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const heading = (name: string | RegExp) => page.getByRole("heading", { name });
  const appears = (wanted: Locator) => arrives(page, javaScriptEnabled, wanted);

  await signUp(page);
  await page.getByLabel("URL").fill(receiver.url);
  await page.getByRole("button", { name: "Save and send test" }).click();
  await expect(heading("Your first event was delivered")).toBeVisible();
  await create(page, "pbx-leeds");

  await expect(heading("Waiting for pbx-leeds to connect")).toBeVisible();
  await expectAccessible(page, "waiting for the first connection");
  if (javaScriptEnabled) await awake(page);
  await follow(page, asterisk, javaScriptEnabled);
  await appears(heading("pbx-leeds is connected"));
  await expect(page.getByText("Now make a call, in or out.")).toBeVisible();
  await expectAccessible(page, "connected");
  asterisk.happens(recorded("in_busy"));
  await appears(page.getByRole("listitem").filter({ hasText: "First call seen" }).filter({ hasNotText: "waiting" }));
  await expect(page.getByText("Now make a call, in or out.")).toBeHidden();
  await expectAccessible(page, "the first call");

  await page.getByRole("link", { name: "Choose trunks" }).click();
  await expect(page.getByLabel("trunk", { exact: true })).toBeChecked();
  await expect(page.getByLabel("7048")).not.toBeChecked();
  await expect(page.getByLabel("Country")).toHaveValue("GB");
  await expectAccessible(page, "endpoints to choose from");
  await page.getByRole("button", { name: "Save and continue" }).click();
  await expect(page.getByText("1 trunk saved.")).toBeVisible();

  await expect(heading("Waiting for the first call")).toBeVisible();
  await expectAccessible(page, "waiting for the first call");
  // It learns of the trunk with its next report.
  await expect.poll(() => asterisk.followed).toEqual(["trunk"]);
  const call = recorded("in_answered");
  const answered = call.findIndex((message) => message.startsWith("Event: BridgeEnter"));
  await asterisk.plays(call.slice(0, answered));
  await appears(heading("Your call is here"));
  await expect(page.getByRole("link", { name: "IncomingCall" })).toBeVisible();
  await expectAccessible(page, "a call that rings");
  await asterisk.plays(call.slice(answered));
  await appears(page.getByRole("link", { name: "CallProcessed" }));
  await expect(page.getByText("01632960001 → 01632960100")).toBeVisible();
  await expectAccessible(page, "a call that has ended");

  await page.getByRole("link", { name: "Finish" }).first().click();
  await expect(heading("pbx-leeds is connected")).toBeVisible();
  await expect(page.getByText("Asterisk 22.10.1, since")).toBeVisible();
  await expectAccessible(page, "the connector");
  await page.getByRole("link", { name: "Deliveries" }).first().click();
  const delivered = page.locator("li[data-status=delivered]");
  await expect(delivered.filter({ hasText: "CallProcessed" })).toBeVisible();
  await expect(delivered).toHaveCount(3);
  await expectAccessible(page, "the history");
  const events = receiver.requests.map(({ body }) => JSON.parse(body).payload);
  expect(events.map(({ event }) => event)).toEqual(["IncomingCall", "IncomingCall", "CallProcessed"]);
  expect(events[2]).toMatchObject({ source: "01632960001", call_status: "answered", destination: { type: "extension", id: 7048 } });
});

test("a secret that the phone system does not know is named on the page", async ({ page, user, context, asterisk, javaScriptEnabled }) => {
  if (javaScriptEnabled) await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto(user.path());
  await create(page, "pbx-york");
  if (javaScriptEnabled) await awake(page);
  // The section was pasted, but with the secret of another connector.
  await follow(page, asterisk, javaScriptEnabled, (conf) => conf.replace(/secret = .*/, "secret = not-the-secret-of-this-connector"));
  await arrives(page, javaScriptEnabled, page.getByText("The phone system refused the secret."));
  await expectAccessible(page, "a refused secret");
});

test("a step can be closed and opened again, but its secrets are shown only once", async ({ page, user }) => {
  await page.goto(user.path("connectors/new?system=asterisk"));
  await page.getByLabel("Name").fill("pbx-1");
  await page.getByRole("button", { name: "Create connector" }).click();
  const { secret } = await pasted(page);
  expect(secret).toBeTruthy();
  const address = page.url();
  await page.goto(user.path("connectors"));
  await expect(page.getByText("Waiting for the first connection")).toBeVisible();
  await page.goto(address);
  await expect(page.getByText("were shown once, when they were created")).toBeVisible();
  expect((await pasted(page)).text).not.toContain(secret!);

  await page.getByRole("link", { name: "Rotate secret" }).click();
  await expect(page.getByRole("heading", { name: "Rotate the secret of pbx-1?" })).toBeVisible();
  await page.getByRole("button", { name: "Rotate secret" }).click();
  const next = (await pasted(page)).secret;
  expect(next).toMatch(/^[\w-]{43}$/);
  expect(next).not.toBe(secret);
  await page.getByRole("button", { name: "Create token" }).click();
  expect((await pasted(page)).token).toMatch(/^oh_/);
});

test("new credentials stay on the page until it is left", async ({ page, user, javaScriptEnabled }) => {
  await page.goto(user.path("connectors/new?system=asterisk"));
  await page.getByLabel("Name").fill("pbx-hull");
  await page.getByRole("button", { name: "Create connector" }).click();
  const { secret, token, text } = await pasted(page);
  const address = page.url();
  await expectAccessible(page, "new credentials");
  if (javaScriptEnabled) await awake(page);
  else await page.getByRole("button", { name: "Refresh" }).click();
  await new Program(token!, address.split("/").at(-2)!).connected();
  await arrives(page, javaScriptEnabled, page.getByRole("heading", { name: "pbx-hull is connected" }));
  expect((await pasted(page)).text).toBe(text);
  expect(page.url()).toBe(address);
  await page.goto(user.path("connectors"));
  await page.goto(address);
  expect((await pasted(page)).text).not.toContain(secret!);
});

test("the state of the connection is above the text to paste on a narrow screen, and beside it on a wide one", async ({ page, user }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto(user.path("connectors/new?system=asterisk"));
  await page.getByLabel("Name").fill("pbx-bath");
  await page.getByRole("button", { name: "Create connector" }).click();
  const box = async (name: string) => (await page.getByRole("heading", { name }).boundingBox())!;
  const places = async () => ({ state: await box("Waiting for pbx-bath to connect"), text: await box("Paste into manager.conf") });
  const narrow = await places();
  expect(narrow.state.y + narrow.state.height).toBeLessThan(narrow.text.y);
  expect(narrow.state.y + narrow.state.height, "without scrolling").toBeLessThan(740);
  await page.setViewportSize({ width: 1280, height: 900 });
  const wide = await places();
  expect(wide.text.x + wide.text.width).toBeLessThan(wide.state.x);
  expect(wide.state.y).toBeLessThan(wide.text.y + 100);
});
