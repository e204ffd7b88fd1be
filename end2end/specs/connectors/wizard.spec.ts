// From nothing to the first delivered call. The program beside the phone system is played back by `Program`.
import type { Page } from "@playwright/test";
import { Program } from "../../fixtures/connector";
import { expect, test } from "../../fixtures/test";

/** Waits for a text that arrives while the page is open: through the live feed with script, by *Refresh* without. */
async function arrives(page: Page, javaScriptEnabled: boolean | undefined, text: string | RegExp) {
  const wanted = page.getByRole("heading", { name: text });
  if (javaScriptEnabled) return expect(wanted).toBeVisible();
  await expect(async () => {
    await page.getByRole("link", { name: "Refresh" }).first().click();
    await expect(wanted).toBeVisible({ timeout: 500 });
  }).toPass();
}

/** What the page shows once: the text of `manager.conf`, and the token in the command that stores it. */
async function pasted(page: Page) {
  const text = (await page.locator("pre").allTextContents()).join("\n");
  return {
    secret: /^secret = (\S+)$/m.exec(text)?.[1],
    token: /'(oh_[\w-]{43})' > token/.exec(text)?.[1],
    connector: /--connector (con_\w+)/.exec(text)?.[1],
    text,
  };
}

test("from nothing to the first delivered call", async ({ page, user, api, receiver, javaScriptEnabled }) => {
  await api.endpoint(receiver.url, { events: ["IncomingCall", "CallProcessed"] });
  await page.goto(user.path("connectors"));
  await expect(page.getByRole("heading", { name: "No phone system is connected" })).toBeVisible();
  await page.getByRole("link", { name: "Connect a phone system" }).click();
  await page.getByRole("link", { name: "Asterisk or FreePBX" }).click();

  await page.getByLabel("Name").fill("pbx-leeds");
  await page.getByLabel("Country").fill("GB");
  await page.getByRole("button", { name: "Create connector" }).click();

  await expect(page.getByText("pbx-leeds created.")).toBeVisible();
  await expect(page.getByRole("heading", { name: "Waiting for pbx-leeds to connect" })).toBeVisible();
  const { secret, token, connector, text } = await pasted(page);
  expect(secret).toMatch(/^[\w-]{43}$/);
  expect(text).toContain("read = call\nwrite = reporting");
  expect(text).toContain(`printf '%s\\n' '${secret}' > secret`);
  const program = new Program(token!, connector!);

  await program.state({ connected: false, problem: "wrong_secret" });
  await expect(async () => {
    if (!javaScriptEnabled) await page.reload();
    await expect(page.getByText("The phone system refused the secret.")).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await program.connected();
  await arrives(page, javaScriptEnabled, "pbx-leeds is connected");
  await page.getByRole("link", { name: "Choose trunks" }).click();

  await expect(page.getByLabel("provider")).toBeChecked();
  await expect(page.getByLabel("7048")).not.toBeChecked();
  await expect(page.getByLabel("Country")).toHaveValue("GB");
  await page.getByRole("button", { name: "Save and continue" }).click();
  await expect(page.getByText("1 trunk saved.")).toBeVisible();

  await expect(page.getByRole("heading", { name: "Waiting for the first call" })).toBeVisible();
  await program.call();
  await program.connected({ last_event_at: new Date().toISOString() });
  await arrives(page, javaScriptEnabled, "Your call is here");
  await expect(page.getByText("07700 900123 → 01632 960500").or(page.getByText("07700900123 → 01632960500")).first()).toBeVisible();
  await api.tried(2);
  expect(receiver.requests.map((request) => JSON.parse(request.body).payload.event)).toEqual(["IncomingCall", "CallProcessed"]);

  await page.getByRole("link", { name: "Finish" }).first().click();
  await expect(page.getByRole("heading", { name: "pbx-leeds is connected" })).toBeVisible();
  await expect(page.getByText("Asterisk 22.10.1, since")).toBeVisible();
  await expect(page.getByText("provider", { exact: true })).toBeVisible();
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
