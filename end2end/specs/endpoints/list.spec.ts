import { refusedUrl } from "../../fixtures/receiver";
import { expect, test } from "../../fixtures/test";

test("an empty list leads to setting up the first endpoint", async ({ page, person }) => {
  await page.goto(person.path("endpoints"));
  await expect(page.getByRole("heading", { level: 2 })).toHaveText("No endpoints yet");
  await page.getByRole("link", { name: "Set up your first endpoint" }).click();
  await expect(page).toHaveURL(person.path("start"));
});

test("each endpoint shows its status, and failing ones show their cause", async ({ page, person, api, receiver }) => {
  await api.endpoint(receiver.url, { name: "A, healthy" });
  await api.endpoint(refusedUrl(), { name: "B, refusing" });
  await api.call();
  await api.tried(2);
  await page.goto(person.path("endpoints"));
  const rows = page.getByRole("main").getByRole("listitem");
  await expect(rows).toHaveCount(2);
  await expect(rows.filter({ hasText: "A, healthy" })).toContainText("Healthy");
  await expect(rows.filter({ hasText: "B, refusing" })).toContainText(/127\.0\.0\.1:\d+ refused the connection/);
  await rows.getByRole("link", { name: "A, healthy" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("A, healthy");
});
