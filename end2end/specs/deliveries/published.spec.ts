import { Webhook } from "standardwebhooks";
import { PUBLISHED, parts } from "../../fixtures/published";
import { expect, test } from "../../fixtures/test";

const EVERY_EVENT = { events: ["IncomingCall", "OutgoingCall", "CallProcessed"] };

test("the four published requests are delivered byte for byte, and the official library verifies their signatures", async ({ page, person, api, receiver }) => {
  // Three share an auth token, the fourth has another: two endpoints on one server.
  const secrets = new Map<string, string>();
  for (const token of new Set(PUBLISHED.map((line) => parts(line).authToken))) {
    const endpoint = await api.endpoint(`${receiver.url}/${token}`, { ...EVERY_EVENT, auth_token: token });
    secrets.set(token, endpoint.signing_secret);
  }
  for (const line of PUBLISHED) {
    const { payload, timestamp } = parts(line);
    expect((await api.post(payload, timestamp)).deliveries).toBe(2);
  }
  await expect.poll(() => receiver.requests.length).toBe(8);

  for (const line of PUBLISHED) expect(receiver.requests.map((request) => request.body)).toContain(line);
  for (const { body, headers } of receiver.requests) {
    const { auth_token, payload } = JSON.parse(body);
    expect(() => new Webhook(secrets.get(auth_token)!).verify(body, headers)).not.toThrow();
    const altered = body.replace(payload.call_id, "00000000-0000-0000-0000-000000000000");
    expect(() => new Webhook(secrets.get(auth_token)!).verify(altered, headers)).toThrow();
    expect(headers).toMatchObject({ "content-type": "application/json", "offhook-event": payload.event, "offhook-attempt": "1" });
  }

  const delivered = await api.tried(8);
  await page.goto(person.path("deliveries"));
  const rows = page.locator('li[data-status="delivered"]');
  await expect(rows).toHaveCount(8);
  for (const { id } of delivered) await expect(page.locator(`#${id}`)).toContainText(/200 in \d+ ms/);
  await expect(rows.filter({ hasText: "OutgoingCall" })).toHaveCount(2);
  await expect(rows.filter({ hasText: "CallProcessed" })).toHaveCount(4);
});
