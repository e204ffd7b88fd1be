import { expect, test } from "../../fixtures/test";

test("an edit applies to the next event", async ({ page, person, api, receiver }) => {
  const endpoint = await api.endpoint(receiver.url, { headers: { "X-Team": "blue" }, timeout_s: 7 });
  await page.goto(person.path(`endpoints/${endpoint.id}/edit`));
  await expect(page.getByLabel("URL")).toHaveValue(receiver.url);
  await expect(page.getByLabel("IncomingCall")).toBeChecked();
  await expect(page.getByLabel("CallProcessed")).not.toBeChecked();
  await expect(page.getByLabel("Timeout (seconds)")).toHaveValue("7");
  await page.getByLabel("URL").fill(`${receiver.url}/moved`);
  await page.getByLabel("Name").fill("CRM, moved");
  await page.getByRole("button", { name: "Save and send test" }).click();
  await expect(page.getByRole("region", { name: /IncomingCall: 200/ })).toBeVisible();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("CRM, moved");
  expect(receiver.requests).toHaveLength(1);
  expect(receiver.requests[0].path).toBe("/calls/moved");
  // The header value was shown and submitted as dots, so it is unchanged.
  expect(receiver.requests[0].headers["x-team"]).toBe("blue");
});

test("a rejected edit keeps the input and changes nothing", async ({ page, person, api, receiver }) => {
  const endpoint = await api.endpoint(receiver.url, { name: "CRM" });
  await page.goto(person.path(`endpoints/${endpoint.id}/edit`));
  await page.getByLabel("URL").fill("http://10.0.0.1/calls");
  await page.getByLabel("Name").fill("Another name");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText("private");
  await expect(page.getByLabel("URL")).toHaveValue("http://10.0.0.1/calls");
  await expect(page.getByLabel("Name")).toHaveValue("Another name");
  await page.getByRole("link", { name: "Cancel" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("CRM");
  await expect(page.getByRole("region", { name: "Settings" })).toContainText(receiver.url);
});

test("a conflicting change by another user is shown before it is overwritten", async ({ page, person, api, receiver, context }) => {
  const endpoint = await api.endpoint(receiver.url, { name: "CRM" });
  const edit = person.path(`endpoints/${endpoint.id}/edit`);
  await page.goto(edit);
  const other = await context.newPage();
  await other.goto(edit);
  await other.getByLabel("Name").fill("Named by the other");
  await other.getByRole("button", { name: "Save", exact: true }).click();
  await expect(other.getByRole("heading", { level: 1 })).toHaveText("Named by the other");

  await page.getByLabel("Name").fill("Named by me");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Another user changed this endpoint" })).toBeVisible();
  await expect(page.getByRole("row", { name: "Name" }).last()).toContainText("Named by the other");
  await expect(page.getByLabel("Name")).toHaveValue("Named by me");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Named by me");
});
