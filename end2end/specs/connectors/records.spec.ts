// Call record files: a file is uploaded, previewed with columns that are chosen, imported, and imported again without effect.
import type { Page } from "@playwright/test";
import type { User } from "../../fixtures/account";
import { expect, test } from "../../fixtures/test";

const CALLS = [
  "Datum;Von;An;Dauer;Ergebnis",
  "28.11.2026 09:30:00;01632960001;01632960100;0:12;Beantwortet",
  "28.11.2026 09:31:00;07700900123;01632960100;0:00;Besetzt",
  "gestern;01632960001;01632960100;0:12;Beantwortet",
  "28.11.2026 10:00:00;7048;7049;0:12;Beantwortet",
].join("\r\n");

/** A connector for files, on the page that uploads one. */
async function created(page: Page, user: User) {
  await page.goto(user.path("connectors/new?system=other"));
  await page.getByLabel("Name").fill("Old PBX");
  await page.getByLabel("Call record files").check();
  await page.getByLabel("Country").fill("GB");
  await page.getByRole("combobox", { name: "Time zone" }).selectOption("Europe/Berlin");
  await page.getByRole("button", { name: "Create connector" }).click();
  await expect(page.getByText("Old PBX created. Upload its first file.")).toBeVisible();
}

async function upload(page: Page, text = CALLS) {
  await page.getByLabel("File", { exact: true }).setInputFiles({ name: "anrufe.csv", mimeType: "text/csv", buffer: Buffer.from(text, "latin1") });
  await page.getByRole("button", { name: "Upload" }).click();
}

async function done(page: Page, name: string, javaScriptEnabled: boolean) {
  await expect(async () => {
    if (!javaScriptEnabled) await page.reload();
    await expect(page.getByRole("heading", { name })).toBeVisible({ timeout: 1_000 });
  }).toPass();
}

test("a file is previewed with the chosen columns, imported, and adds nothing the second time", async ({ page, user, api, receiver, javaScriptEnabled }) => {
  await api.endpoint(receiver.url, { events: ["CallProcessed"] });
  await created(page, user);
  await upload(page);
  await expect(page.getByRole("heading", { name: "Import anrufe.csv" })).toBeVisible();
  await page.getByLabel("Beginning of the call").selectOption({ label: "1 · Datum (28.11.2026 09:30:00)" });
  await page.getByLabel("Caller’s number").selectOption("2");
  await page.getByLabel("Number called").selectOption("3");
  await page.getByRole("button", { name: "Import", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText("Choose a column");
  await page.getByLabel("Duration").selectOption("4");
  await page.getByLabel("Result", { exact: true }).selectOption("5");
  await page.getByLabel("What the results mean").fill("Beantwortet: answered\nBesetzt: busy");
  await page.getByRole("button", { name: "Update preview" }).click();
  const preview = page.getByRole("region", { name: "Preview of the first rows" });
  await expect(preview.getByText("1 of these 4 rows is not understood.")).toBeVisible();
  const first = preview.getByRole("listitem").first();
  await expect(first).toContainText("+441632960001 to +441632960100");
  await expect(first).toContainText("28 Nov 2026, 09:30:12 CET");
  await expect(first).toContainText("Incoming, answered, 12 s");
  await expect(preview.getByText("a call between extensions")).toBeVisible();
  expect(receiver.requests).toHaveLength(0);

  await page.getByRole("button", { name: "Import", exact: true }).click();
  await done(page, "2 calls imported", javaScriptEnabled);
  const rows = page.getByRole("region", { name: "Rows that were not imported" });
  await expect(rows.getByRole("listitem")).toContainText("Line 4");
  await api.tried(2);
  expect(receiver.requests.map(({ body }) => JSON.parse(body).payload.event)).toEqual(["CallProcessed", "CallProcessed"]);
  const [table] = await Promise.all([page.waitForEvent("download"), rows.getByRole("link", { name: "Download as CSV" }).click()]);
  expect(table.suggestedFilename()).toBe("not-imported.csv");

  await page.getByRole("link", { name: "Import another file" }).click();
  await upload(page);
  await expect(preview.getByText("Incoming, answered, 12 s")).toBeVisible();
  await page.getByRole("button", { name: "Import", exact: true }).click();
  await done(page, "Nothing new: every call was stored already", javaScriptEnabled);
  expect(receiver.requests).toHaveLength(2);
});

test("a file that can't be imported says so and is discarded", async ({ page, user }) => {
  await created(page, user);
  await upload(page, "");
  await expect(page.getByRole("alert")).toContainText("The file is empty.");
  await upload(page, "PK\x03\x04 no table");
  await page.getByRole("button", { name: "Update preview" }).click();
  await page.getByLabel("Kind of file").selectOption("grandstream");
  await page.getByRole("button", { name: "Update preview" }).click();
  await expect(page.getByText("This is no text file. Save the table as CSV and try again.")).toBeVisible();
  await page.getByRole("button", { name: "Import", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText("None of the first rows is understood.");
  await page.getByRole("button", { name: "Discard file" }).click();
  await expect(page.getByText("File discarded.")).toBeVisible();
});
