import { expect, test } from "../../fixtures/test";

test("an edited payload is sent as edited and stays on the page", async ({ page, person, api, receiver }) => {
  const endpoint = await api.endpoint(receiver.url);
  await page.goto(person.path(`endpoints/${endpoint.id}/test`));
  await page.getByRole("navigation", { name: "Event" }).getByRole("link", { name: "CallProcessed" }).click();
  const payload = page.getByLabel("Payload");
  await expect(payload).toHaveValue(/"call_cost": 0\.0/);
  const edited = (await payload.inputValue()).replace('"call_duration": 6', '"call_duration": 61');
  await payload.fill(edited);
  await page.getByRole("button", { name: "Send test" }).click();
  await expect(page.getByRole("region", { name: /CallProcessed: 200/ })).toBeVisible();
  await expect(payload).toHaveValue(/"call_duration": 61/);
  expect(receiver.requests).toHaveLength(1);
  expect(receiver.requests[0].body).toContain(`"call_cost":0.0,"call_type":"incoming","call_duration":61,`);

  await page.getByRole("link", { name: "Reset example" }).click();
  await expect(payload).toHaveValue(/"call_duration": 6,/);
});

test("an invalid payload is rejected with the reason and stays on the page", async ({ page, person, api, receiver }) => {
  const endpoint = await api.endpoint(receiver.url);
  await page.goto(person.path(`endpoints/${endpoint.id}/test`));
  for (const broken of [`{"event":"IncomingCall"`, `{"event":"IncomingCall"}`]) {
    await page.getByLabel("Payload").fill(broken);
    await page.getByRole("button", { name: "Send test" }).click();
    await expect(page.getByRole("alert")).toBeVisible();
    await expect(page.getByLabel("Payload")).toHaveValue(broken);
  }
  expect(receiver.requests).toHaveLength(0);
});
