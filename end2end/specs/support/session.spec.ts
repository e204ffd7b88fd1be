import { PASSWORD, newAgent, postSignIn, postSupport, supportPath } from "../../fixtures/account";
import { expect, test } from "../../fixtures/test";

const BAND = /^Support view of Acme Telephony · ticket 4711 · ends \d\d:\d\d · read-only$/;

test("support gets from a phone number to the delivery in three clicks, recorded in the audit log", async ({ page, user, api, receiver, browser }) => {
  await api.endpoint(receiver.url, { name: "CRM" });
  await api.call();
  await api.tried(1);

  const context = await browser.newContext({ javaScriptEnabled: test.info().project.use.javaScriptEnabled });
  const desk = await context.newPage();
  const email = await newAgent();
  await desk.goto("/sign-in");
  await desk.getByLabel("Email").fill(email);
  await desk.getByLabel("Password").fill(PASSWORD);
  await desk.getByRole("button", { name: "Sign in" }).click();
  await expect(desk).toHaveURL("/support");

  await desk.getByLabel("Name, phone number, host or ID").fill(user.acct);
  await desk.getByRole("button", { name: "Search", exact: true }).click();
  await expect(desk.getByText("Matched by account id or reference")).toBeVisible();
  await desk.getByRole("link", { name: "Start session" }).click();
  await desk.getByLabel("Reason").fill("Calls do not reach the CRM");
  await desk.getByLabel("Ticket").fill("4711");
  await desk.getByLabel("30 minutes").check();
  await desk.getByRole("button", { name: "Start session" }).click();

  // The session starts on a page with the search.
  await expect(desk).toHaveURL(supportPath(user.acct));
  await expect(desk.getByRole("region", { name: "Support session" })).toContainText("read-only");
  await desk.getByLabel("Phone number, call ID or delivery ID").fill("0044 1632 960001");
  await desk.getByRole("button", { name: "Search deliveries" }).click();
  await desk.getByRole("link", { name: /IncomingCall to CRM/ }).click();
  await expect(desk.getByText(BAND)).toBeVisible();
  const main = desk.getByRole("main");
  await expect(main).toContainText("+4416 ••• 002");
  await expect(main).not.toContainText("960001");

  await desk.getByRole("button", { name: "Reveal caller" }).click();
  await expect(desk.getByRole("status").first()).toContainText("Revealed until this session ends");
  await expect(main).toContainText("960001");
  await expect(main).not.toContainText("960002");
  await desk.getByRole("button", { name: "End session" }).click();
  await expect(desk.getByRole("status").first()).toHaveText("The session in Acme Telephony has ended.");
  await desk.goto(supportPath(user.acct, "deliveries"));
  await expect(desk.getByRole("main")).toContainText("There is no support session for Acme Telephony");
  await context.close();

  await page.goto(user.path("audit"));
  await page.getByRole("link", { name: "Support access", exact: true }).click();
  const records = page.getByRole("main").getByRole("listitem").filter({ hasText: "4711" });
  for (const action of ["Support session started", "Support viewed a page", "Support revealed a phone number", "Support session ended"]) {
    await expect(records.filter({ hasText: action }).first()).toBeVisible();
  }
  await expect(page.getByText(`${email} (provider support)`).first()).toBeVisible();
  await expect(page.getByText("Calls do not reach the CRM").first()).toBeVisible();
});

test("an admin turns off support access, and the next request is rejected", async ({ page, user, browser }) => {
  const context = await browser.newContext();
  await postSignIn(context.request, await newAgent());
  await postSupport(context.request, user.acct);
  const desk = await context.newPage();
  await desk.goto(supportPath(user.acct));
  await expect(desk.getByRole("region", { name: "Support session" })).toBeVisible();

  await page.goto(user.path("settings"));
  await page.getByLabel("Allow support access to this account").uncheck();
  await page.getByRole("button", { name: "Save settings" }).click();
  await expect(page.getByRole("status")).toContainText("Saved.");

  await desk.getByRole("link", { name: "All endpoints" }).click();
  await expect(desk.getByRole("main")).toContainText("Acme Telephony does not allow support access");
  await desk.getByRole("link", { name: "Start a support session" }).click();
  await expect(desk.getByRole("main")).toContainText("doesn’t allow support access");
  await context.close();
});
