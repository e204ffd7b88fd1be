import { expect, test } from "../../fixtures/test";

test("a new delivery appears in the open list, or after Refresh without script", async ({ page, person, api, receiver, javaScriptEnabled }) => {
  await api.endpoint(receiver.url);
  await api.call();
  await api.tried(1);
  await page.goto(person.path("deliveries"));
  const rows = page.locator("li[data-status]");
  await expect(rows).toHaveCount(1);
  const refresh = page.getByRole("link", { name: "Refresh" });
  const live = page.getByRole("button", { name: "Live", exact: true });
  if (javaScriptEnabled) {
    await expect(live).toHaveAttribute("aria-pressed", "true");
    await expect(refresh).toHaveCount(0);
  } else {
    await expect(live).toBeHidden();
    await expect(refresh).toBeVisible();
  }
  await api.call();
  await api.tried(2);
  if (!javaScriptEnabled) await refresh.click();
  await expect(rows).toHaveCount(2);
  await expect(rows.first()).toHaveAttribute("data-status", "delivered");
});
