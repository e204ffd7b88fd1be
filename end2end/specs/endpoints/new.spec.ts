import { expect, test } from "../../fixtures/test";

const HOST = "https://crm.acme.example";

const BAD_URLS: [name: string, url: string, error: string][] = [
  ["without a scheme", "crm.acme.example/calls", "Start the URL with https://"],
  ["with another scheme", "ftp://crm.acme.example/calls", "Other schemes aren't supported"],
  ["with user name and password", "https://ana:secret@crm.acme.example/calls", "Remove the user name and password"],
  ["with port 0", `${HOST}:0/calls`, "Port 0 is not valid"],
  ["with a decimal address", "http://2130706433/calls", "as four decimal numbers"],
  ["with an octal address", "http://0177.0.0.1/calls", "as four decimal numbers"],
  ["with a private address", "http://10.0.0.1/calls", "private"],
  ["of 2,049 characters", `${HOST}/${"x".repeat(2_049 - HOST.length - 1)}`, "The maximum is 2,048 characters"],
  ["that only contains spaces", "   ", "Enter the URL"],
];

test("an invalid URL is rejected with the reason, and all input is kept", async ({ page, user }) => {
  await page.goto(user.path("endpoints/new"));
  await page.getByLabel("CallProcessed").uncheck();
  await page.getByLabel("Name").fill("CRM");
  await page.getByLabel("Auth token").fill("my-token");
  await page.getByText("Advanced").click();
  await page.getByLabel("Custom headers").fill("X-Team: blue");
  // The form keeps the other fields, so that only the URL is filled in again.
  for (const [name, value, error] of BAD_URLS) {
    await test.step(name, async () => {
      const url = page.getByLabel("URL");
      await url.fill(value);
      await page.getByRole("button", { name: "Save and send test" }).click();
      await expect(page.getByRole("alert").getByRole("link", { name: error })).toHaveAttribute("href", "#url");
      await expect(page).toHaveTitle(/^Error: /);
      await expect(url).toHaveValue(value);
      await expect(url).toHaveAttribute("aria-invalid", "true");
    });
  }
  await expect(page.getByLabel("IncomingCall")).toBeChecked();
  await expect(page.getByLabel("CallProcessed")).not.toBeChecked();
  await expect(page.getByLabel("Name")).toHaveValue("CRM");
  await expect(page.getByLabel("Auth token")).toHaveValue("my-token");
  await expect(page.getByLabel("Custom headers")).toHaveValue("X-Team: blue");
  await expect(page.getByLabel("Custom headers")).toBeVisible();
});

test("an endpoint without events is rejected, and the URL is kept", async ({ page, user, receiver }) => {
  await page.goto(user.path("endpoints/new"));
  await page.getByLabel("URL").fill(receiver.url);
  for (const event of ["IncomingCall", "OutgoingCall", "CallProcessed"]) await page.getByLabel(event).uncheck();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("alert").getByRole("link", { name: "Choose at least one event" })).toHaveAttribute("href", "#events");
  await expect(page.getByLabel("URL")).toHaveValue(receiver.url);
  await expect(page.getByLabel("IncomingCall")).not.toBeChecked();
});

test("all errors are shown at once, each with a link to its field", async ({ page, user }) => {
  await page.goto(user.path("endpoints/new"));
  await page.getByLabel("URL").fill("nonsense");
  await page.getByText("Advanced").click();
  await page.getByLabel("Timeout (seconds)").fill("31");
  await page.getByLabel("Rate limit (events per second)").fill("fast");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const summary = page.getByRole("alert");
  await expect(summary).toContainText("3 fields need your attention");
  for (const field of ["url", "timeout_s", "rate_per_s"]) {
    await expect(summary.locator(`a[href="#${field}"]`)).toBeVisible();
    await expect(page.locator(`#${field}`)).toHaveAttribute("aria-describedby", new RegExp(`${field}-error`));
  }
});

test("a duplicate URL is rejected with a link to the existing endpoint", async ({ page, user, api, receiver }) => {
  const first = await api.endpoint(receiver.url, { name: "The first one" });
  await page.goto(user.path("endpoints/new"));
  await page.getByLabel("URL").fill(receiver.url);
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText("The endpoint The first one already has this URL");
  await expect(page.getByLabel("URL")).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByLabel("URL")).toHaveValue(receiver.url);
  await page.getByRole("link", { name: "View existing endpoint" }).click();
  await expect(page).toHaveURL(user.path(`endpoints/${first.id}`));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("The first one");
});

test("a duplicate URL is created if the user confirms it", async ({ page, user, api, receiver }) => {
  await api.endpoint(receiver.url, { name: "The first one" });
  await page.goto(user.path("endpoints/new"));
  await page.getByLabel("URL").fill(receiver.url);
  await page.getByLabel("Name").fill("The second one");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByLabel("Create anyway").check();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("The second one");
  await page.goto(user.path("endpoints"));
  await expect(page.getByRole("main").getByRole("listitem")).toHaveCount(2);
});

test("Save sends nothing; Save and send test shows the result", async ({ page, user, receiver }) => {
  await page.goto(user.path("endpoints/new"));
  await page.getByLabel("URL").fill(receiver.url);
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("status").filter({ hasText: "127.0.0.1 created." })).toBeVisible();
  await expect(page.getByRole("region", { name: "Status" })).toContainText("No events sent yet.");
  expect(receiver.requests).toHaveLength(0);

  await page.goto(user.path("endpoints/new"));
  await page.getByLabel("URL").fill(`${receiver.url}/second`);
  await page.getByRole("button", { name: "Save and send test" }).click();
  await expect(page.getByRole("region", { name: /IncomingCall: 200/ })).toBeVisible();
  expect(receiver.requests.map((request) => request.path)).toEqual(["/calls/second"]);
});

test("credentials are shown in full once, then masked, and revealed on demand", async ({ page, user, receiver }) => {
  await page.goto(user.path("endpoints/new"));
  await page.getByLabel("URL").fill(receiver.url);
  await page.getByLabel("Auth token").fill("a-token-of-my-own");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const secret = page.getByText(/^whsec_[A-Za-z0-9+/=]{44}$/);
  await expect(secret).toBeVisible();
  const full = await secret.textContent();
  await page.goto(page.url());
  await expect(secret).toHaveCount(0);
  await expect(page.getByText("a-token-of-my-own")).toHaveCount(0);
  await expect(page.getByRole("region", { name: "Credentials" })).toContainText(full!.replace(/=+$/, "").slice(-4));
  await page.getByRole("button", { name: "Reveal" }).click();
  await expect(secret.first()).toHaveText(full!);
  await expect(page.getByText("a-token-of-my-own").first()).toBeVisible();
});
