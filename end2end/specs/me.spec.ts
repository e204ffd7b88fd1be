import { expect, test } from "../fixtures/test";

const PAPER = "rgb(241, 245, 242)";
const NIGHT = "rgb(12, 19, 17)";

test("the theme follows the system until the user chooses one", async ({ page, person }) => {
  const html = page.locator("html");
  const colour = () => html.evaluate((element) => getComputedStyle(element).backgroundColor);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.goto(person.path("endpoints"));
  await expect(html).not.toHaveAttribute("data-theme");
  expect(await colour()).toBe(NIGHT);

  await page.getByRole("button", { name: /^User menu/ }).click();
  await page.getByRole("button", { name: "Light", exact: true }).click();
  await expect(page).toHaveURL(person.path("endpoints"));
  await expect(html).toHaveAttribute("data-theme", "light");
  expect(await colour()).toBe(PAPER);
  await page.goto("/help");
  await expect(html).toHaveAttribute("data-theme", "light");

  await page.emulateMedia({ colorScheme: "light" });
  await page.goto("/me");
  await page.getByRole("button", { name: "Dark", exact: true }).click();
  await expect(html).toHaveAttribute("data-theme", "dark");
  expect(await colour()).toBe(NIGHT);
  await expect(page.getByRole("button", { name: "Dark", exact: true })).toHaveAttribute("aria-pressed", "true");
  await page.getByRole("button", { name: "System", exact: true }).click();
  await expect(html).not.toHaveAttribute("data-theme");
  expect(await colour()).toBe(PAPER);
});

test("times are shown in the user's time zone", async ({ page, person }) => {
  await page.goto("/me");
  await page.getByLabel("Time zone").selectOption("Asia/Kathmandu");
  await page.getByRole("button", { name: "Save time zone" }).click();
  await expect(page.getByRole("status")).toHaveText("Saved. Times are now in Asia/Kathmandu.");
  await page.goto(person.path("deliveries"));
  await expect(page.getByText("Times in Asia/Kathmandu (UTC+5:45)").first()).toBeVisible();
});
