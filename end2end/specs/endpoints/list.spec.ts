import { refusedUrl } from "../../fixtures/receiver";
import { expect, test } from "../../fixtures/test";

test("without endpoints the list says what will be here and leads to the first one", async ({ page, person }) => {
  await page.goto(person.path("endpoints"));
  await expect(page.getByRole("heading", { level: 2 })).toHaveText("Your endpoints will be here");
  await page.getByRole("link", { name: "Set up the first endpoint" }).click();
  await expect(page).toHaveURL(person.path("start"));
});

test("each endpoint shows how it stands, and what failed stands first with its cause", async ({ page, person, api, receiver }) => {
  await api.endpoint(receiver.url, { name: "A that answers" });
  await api.endpoint(refusedUrl(), { name: "B that refuses" });
  await api.call();
  await api.tried(2);
  await page.goto(person.path("endpoints"));
  const rows = page.getByRole("main").getByRole("listitem");
  await expect(rows).toHaveCount(2);
  await expect(rows.filter({ hasText: "A that answers" })).toContainText("Answering");
  await expect(rows.filter({ hasText: "B that refuses" })).toContainText(/127\.0\.0\.1:\d+ refused the connection/);
  await rows.getByRole("link", { name: "A that answers" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("A that answers");
});
