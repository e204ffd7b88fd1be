// Stored cross-site scripting, with scripts enabled: stored texts must neither run nor become markup.
import { randomUUID } from "node:crypto";
import { postSignUp } from "../../fixtures/account";
import { expect, test } from "../../fixtures/test";

/** Runs in any context that does not escape it. */
const EVIL = `</title>'"><script>hit()</script><img src=x onerror=hit()>`;

test("script in names, payloads and responses is shown as text and never runs", async ({ page, context, person, api, receiver }) => {
  await context.addInitScript(() => {
    const hit = () => document.documentElement.setAttribute("data-hit", "yes");
    Object.assign(window, { hit });
  });
  page.on("dialog", (dialog) => expect(dialog.message()).toBe("no dialog"));
  const endpoint = await api.endpoint(receiver.answers(400).url, { name: EVIL });
  const call = randomUUID();
  const payload = { event: "IncomingCall", call_id: call, callee_number: EVIL, caller_number: EVIL, [EVIL]: EVIL };
  const { id } = await api.post(JSON.stringify(payload));
  const [delivery] = await api.tried(1);
  await page.goto(person.path("settings"));
  await page.getByLabel("Account name").fill(EVIL);
  await page.getByRole("button", { name: "Save settings" }).click();
  await expect(page.getByRole("status").filter({ hasText: "Saved." })).toBeVisible();
  for (const path of [
    "", "endpoints", `endpoints/${endpoint.id}`, `endpoints/${endpoint.id}/edit`, `endpoints/${endpoint.id}/secret`, "rotate",
    "deliveries", `deliveries/${delivery.id}`, `deliveries/${delivery.id}/resend`, "events", `events/${id}`, `calls/${call}`,
    "audit", "settings", "members", `deliveries?q=${encodeURIComponent(EVIL)}`,
  ]) {
    await page.goto(person.path(path));
    await expect(page.locator("html"), path).toHaveAttribute("data-islands", "awake");
    await expect(page.locator("img"), path).toHaveCount(0);
    await expect(page, path).toHaveTitle(/<script>hit\(\)<\/script>.*Offhook$/);
    await expect(page.locator("html"), path).not.toHaveAttribute("data-hit");
  }
  await expect(page.getByText(EVIL).first()).toBeVisible();
});

test("live updates show the same texts as text", async ({ page, person, api, receiver }) => {
  await api.endpoint(receiver.url, { name: EVIL });
  await page.goto(person.path("deliveries"));
  await expect(page.locator("html")).toHaveAttribute("data-islands", "awake");
  await api.post(JSON.stringify({ event: "IncomingCall", call_id: randomUUID(), callee_number: EVIL, caller_number: "1" }));
  await api.tried(1);
  await expect(page.getByRole("listitem").filter({ hasText: EVIL })).toBeVisible();
  await expect(page.locator("img")).toHaveCount(0);
});

test("the sign-in page does not redirect to other sites", async ({ page, context, other }) => {
  await postSignUp(context.request);
  await page.goto("/sign-in?next=" + encodeURIComponent("//evil.example/"));
  expect(new URL(page.url()).host).not.toContain("evil");
  const stranger = await other();
  await stranger.goto("/sign-in?next=" + encodeURIComponent("https://evil.example/"));
  await expect(stranger.locator("[href*='evil.example'], [action*='evil.example']")).toHaveCount(0);
});
