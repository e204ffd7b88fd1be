// The pictures of the README, with data as a customer would see it: a CRM that receives everything, a wallboard that is
// sometimes down, and a reporting server whose certificate expired this morning.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { Api, postSignUp } from "../fixtures/account";
import { Asterisk, recorded } from "../fixtures/asterisk";
import { certificates } from "../fixtures/certificates";
import { BASE_URL } from "../fixtures/place";
import { Receiver } from "../fixtures/receiver";
import { awake, expect, test } from "../fixtures/test";

const FOLDER = join(import.meta.dirname, "../../docs/screenshots");
const CALLS = 6;

test.use({ viewport: { width: 1280, height: 800 }, colorScheme: "light" });

/** A call from its first ring to its end. Ofcom keeps these numbers for fiction. */
async function call(api: Api, nth: number) {
  const call_id = randomUUID();
  const [caller_number, callee_number] = [`+44163296${String(137 + 211 * nth).padStart(4, "0")}`, "+441632960500"];
  await api.post(JSON.stringify({ event: "IncomingCall", call_id, callee_number, caller_number }));
  await api.post(JSON.stringify({
    event: "CallProcessed", call_id, call_cost: 0, call_type: "incoming", call_duration: 40 + 17 * nth, call_status: "answered",
    source: { type: "address_contact", id: 8203 + nth }, destination: { type: "extension", id: 7048 },
  }));
}

test("delivery list, and a delivery with its cause", async ({ page }) => {
  const user = await postSignUp(page.request, BASE_URL, "ana@acme.example");
  const api = await Api.of(user.acct);
  const crm = await Receiver.start();
  const wallboard = (await Receiver.start()).answers(200, 503, 200);
  const reports = await Receiver.start(certificates().expired);
  const both = ["IncomingCall", "CallProcessed"];
  await api.endpoint(crm.url, { name: "CRM", events: both });
  await api.endpoint(wallboard.url, { name: "Wallboard", events: ["IncomingCall"] });
  const { id } = await api.endpoint(reports.url, { name: "Call reports", events: ["CallProcessed"] });
  for (let nth = 0; nth < CALLS; nth++) await call(api, nth);
  const rows = await api.tried(CALLS * 4);

  await page.goto(user.path("deliveries"));
  await expect(page.locator("li[data-status]").first()).toBeVisible();
  await page.screenshot({ path: join(FOLDER, "deliveries.png") });

  await page.goto(user.path(`deliveries/${rows.find((row) => row.endpoint_id === id)!.id}`));
  await expect(page.getByText(/Certificate expired 3 hours ago/).first()).toBeVisible();
  await page.screenshot({ path: join(FOLDER, "delivery.png") });
  for (const one of [crm, wallboard, reports]) await one.stop();
});

test("a phone system that has just connected, with the text that was pasted", async ({ page }) => {
  const user = await postSignUp(page.request, BASE_URL, "ben@acme.example");
  const asterisk = await Asterisk.start();
  await page.goto(user.path("connectors/new?system=asterisk"));
  await page.getByLabel("Name").fill("pbx-leeds");
  await page.getByRole("button", { name: "Create connector" }).click();
  await awake(page);
  const [managerConf, ...commands] = await page.locator("pre").allInnerTexts();
  asterisk.writes(managerConf);
  asterisk.runs(...commands);
  await expect(page.getByRole("heading", { name: "pbx-leeds is connected" })).toBeVisible();
  asterisk.happens(recorded("in_answered"));
  await expect(page.getByRole("listitem").filter({ hasText: "First call seen" }).filter({ hasNotText: "waiting" })).toBeVisible();
  await page.screenshot({ path: join(FOLDER, "connector.png") });
  await asterisk.stop();
});
