import { expect, test } from "../fixtures/test";

test("the test line shows its requests and clears them on demand", async ({ page, user }) => {
  await page.goto(user.path("test-line"));
  await expect(page.getByRole("heading", { level: 2 })).toHaveText("No requests yet");
  await page.getByRole("button", { name: "Send a test to the test line" }).click();
  await page.goto(user.path("test-line"));
  const requests = page.getByRole("region", { name: "Requests, newest first" });
  await expect(requests).toContainText(`"event": "IncomingCall"`);
  await requests.getByText("Headers", { exact: true }).first().click();
  await expect(requests).toContainText("webhook-signature: v1,");
  await requests.getByRole("button", { name: "Clear" }).click();
  await expect(page.getByRole("status")).toHaveText("Requests cleared.");
  await expect(page.getByRole("heading", { level: 2 })).toHaveText("No requests yet");
});

for (const [label, heading] of [
  [/^200/, /^Delivered Test IncomingCall: 200/],
  [/^500/, /^Retrying Test Server error \(500\)/],
  [/^410/, /^Failed Test Server returned 410 Gone; endpoint paused/],
  [/^Hang up/, /^Retrying Test Connection closed before a response arrived/],
] as const) {
  test(`the test line responds as configured: ${label.source.slice(1)}`, async ({ page, user }) => {
    await page.goto(user.path("test-line"));
    await page.getByLabel(label).check();
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("status")).toContainText("Saved. The test line now responds with: ");
    await expect(page.getByLabel(label)).toBeChecked();
    await page.getByRole("button", { name: "Send a test to the test line" }).click();
    await expect(page.getByRole("region", { name: heading })).toBeVisible();
  });
}
