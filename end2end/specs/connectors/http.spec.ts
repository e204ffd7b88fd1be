// A phone system that sends its own requests: the address to enter, the first request, and what the mapping makes of it.
import { expect, test } from "../../fixtures/test";

const RINGING = {
  CallSid: "CA7f5c8a1e4b3d2c1a0f9e8d7c6b5a4938", Direction: "inbound", CallStatus: "ringing", From: "+447700900123", To: "+441632960500",
};

test("a request is delivered by its mapping, and the mapping is tried on it before it is saved", async ({ page, user, api, receiver, javaScriptEnabled }) => {
  await api.endpoint(receiver.url, { events: ["IncomingCall"] });
  await page.goto(user.path("connectors/new?system=twilio"));
  await page.getByLabel("Name").fill("Sales line");
  await page.getByRole("button", { name: "Create connector" }).click();
  await expect(page.getByRole("heading", { name: "Waiting for the first request to Sales line" })).toBeVisible();
  const address = (await page.locator("pre").first().textContent())!.trim();
  const connector = /\/in\/(con_\w+)\/[\w-]{43}$/.exec(address)![1];

  const response = await fetch(address, { method: "POST", body: new URLSearchParams(RINGING) });
  expect(response.ok, `${response.status} ${await response.text()}`).toBe(true);
  await expect(async () => {
    if (!javaScriptEnabled) await page.reload();
    await expect(page.getByRole("heading", { name: "Sales line receives requests" })).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await api.tried(1);
  expect(JSON.parse(receiver.requests[0].body).payload).toMatchObject({ event: "IncomingCall", caller_number: "+447700900123" });

  await page.goto(user.path(`connectors/${connector}/mapping`));
  const requests = page.getByRole("region", { name: "Latest requests" });
  await expect(requests.getByText("“incoming call” gave IncomingCall.")).toBeVisible();
  await expect(requests.getByText("From: +447700900123")).toBeVisible();
  await expect(requests.getByText("With the saved mapping.")).toBeVisible();

  await page.getByLabel("Start from a preset").selectOption("yeastar");
  await page.getByRole("button", { name: "Load" }).click();
  await expect(page.getByText("is loaded below and not saved yet.")).toBeVisible();
  await expect(requests.getByText(/None of the 4 rules matched/)).toBeVisible();

  const mapping = page.getByRole("textbox", { name: "Mapping" });
  await mapping.fill('{"version":1,"rules":[{"name":"everything","event":"ignore"}]}');
  await page.getByRole("button", { name: "Try without saving" }).click();
  await expect(requests.getByText("“everything” ignores this request.")).toBeVisible();
  await expect(requests.getByText("which is not saved")).toBeVisible();
  await mapping.fill('{"version":1,"rules":[{"name":"x","event":"incoming"}]}');
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText("rules.0");
  await expect(mapping).toHaveValue(/"event":"incoming"/);
  await mapping.fill('{"version":1,"rules":[{"name":"everything","event":"ignore"}]}');
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Mapping saved.")).toBeVisible();
  await expect(requests.getByText("With the saved mapping.")).toBeVisible();
});
