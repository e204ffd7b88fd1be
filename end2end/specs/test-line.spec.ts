import { expect, test } from "../fixtures/test";

test("the test line shows what arrived, and forgets it on demand", async ({ page, person }) => {
  await page.goto(person.path("test-line"));
  await expect(page.getByRole("heading", { level: 2 })).toHaveText("Requests will be here");
  await page.getByRole("button", { name: "Send a test to the test line" }).click();
  await page.goto(person.path("test-line"));
  const requests = page.getByRole("region", { name: "Requests, newest first" });
  await expect(requests).toContainText(`"event": "IncomingCall"`);
  await requests.getByText("Headers", { exact: true }).first().click();
  await expect(requests).toContainText("webhook-signature: v1,");
  await requests.getByRole("button", { name: "Clear" }).click();
  await expect(page.getByRole("status")).toHaveText("The list is empty again.");
  await expect(page.getByRole("heading", { level: 2 })).toHaveText("Requests will be here");
});

for (const [label, heading] of [
  [/^200/, /^Delivered Test IncomingCall arrived: 200/],
  [/^500/, /^Retrying Test Error in your server \(500\)/],
  [/^410/, /^Failed Test Server said Gone \(410\); endpoint paused/],
  [/^Hang up/, /^Retrying Test Connection was cut while waiting/],
] as const) {
  test(`the test line answers as it was told: ${label.source.slice(1)}`, async ({ page, person }) => {
    await page.goto(person.path("test-line"));
    await page.getByLabel(label).check();
    await page.getByRole("button", { name: "Answer like this" }).click();
    await expect(page.getByRole("status")).toContainText("From now on the test line answers: ");
    await expect(page.getByLabel(label)).toBeChecked();
    await page.getByRole("button", { name: "Send a test to the test line" }).click();
    await expect(page.getByRole("region", { name: heading })).toBeVisible();
  });
}
