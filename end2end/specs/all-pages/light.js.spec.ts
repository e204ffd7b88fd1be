// The transfer size of a first visit.
import type { Response } from "@playwright/test";
import { expect, test } from "../../fixtures/test";
import { VIEWS } from "../../fixtures/views";

const SCRIPT_MAX_BYTES = 150_000;
const STYLE_MAX_BYTES = 20_000;
const FONTS_MAX_BYTES = 55_000;
const DOCUMENT_MAX_BYTES = 30_000;

type Kind = "script" | "style" | "font" | "document" | "other";

function kind(response: Response): Kind {
  const type = response.headers()["content-type"] ?? "";
  if (/javascript|wasm/.test(type)) return "script";
  if (type.startsWith("text/css")) return "style";
  if (type.startsWith("font/")) return "font";
  return response.request().resourceType() === "document" ? "document" : "other";
}

/** One page per layout; all pages load the same script and style. */
const EACH_LAYOUT = [
  "signing in", "signing up", "help", "help: api", "help: causes", "setup", "setup, delivered",
  "overview", "endpoints", "a new endpoint", "an endpoint that fails", "a test for an endpoint", "deliveries",
  "a failed delivery", "events", "a call", "test line with requests", "audit", "settings", "support desk, found",
  "support: deliveries", "support: a delivery", "operator: health", "operator: policies",
];

for (const view of VIEWS.filter(({ name }) => EACH_LAYOUT.includes(name))) {
  test(`${view.name}: script, style, fonts and document are small`, async ({ page, show }) => {
    const responses: Response[] = [];
    page.on("response", (response) => responses.push(response));
    await show(view);
    await page.evaluate(() => document.fonts.ready);
    const bytes: Record<Kind, number> = { script: 0, style: 0, font: 0, document: 0, other: 0 };
    const seen = new Set<string>();
    for (const response of responses) {
      const is = kind(response);
      // Each file counts once; only the displayed document counts.
      if (is === "document" ? response.url() !== page.url() : seen.has(response.url())) continue;
      seen.add(response.url());
      // The live feed never ends, so it has no size.
      if (is === "other") continue;
      const { responseBodySize } = await response.request().sizes();
      bytes[is] = is === "document" ? responseBodySize : bytes[is] + responseBodySize;
      if (is !== "font") expect.soft(response.headers()["content-encoding"], response.url()).toBe("br");
    }
    expect(bytes.script).toBeGreaterThan(1_000);
    expect(bytes.script).toBeLessThanOrEqual(SCRIPT_MAX_BYTES);
    expect(bytes.style).toBeGreaterThan(1_000);
    expect(bytes.style).toBeLessThanOrEqual(STYLE_MAX_BYTES);
    expect(bytes.font).toBeGreaterThan(1_000);
    expect(bytes.font).toBeLessThanOrEqual(FONTS_MAX_BYTES);
    expect(bytes.document).toBeGreaterThan(500);
    expect(bytes.document).toBeLessThanOrEqual(DOCUMENT_MAX_BYTES);
  });
}

test("preloaded files are used, and nothing is fetched twice", async ({ page }) => {
  const fetched: string[] = [];
  page.on("request", (request) => fetched.push(new URL(request.url()).pathname));
  await page.goto("/sign-in");
  await expect(page.locator("html")).toHaveAttribute("data-islands", "awake");
  const preloaded = await page.locator('link[rel="preload"], link[rel="modulepreload"]').evaluateAll((all) => all.map((link) => link.getAttribute("href")!));
  expect(preloaded.length).toBeGreaterThanOrEqual(3);
  for (const path of preloaded) expect(fetched.filter((one) => one === path), path).toHaveLength(1);
});

test("hashed files are cached forever, pages are not cached", async ({ page, request }) => {
  await page.goto("/sign-in");
  const files = await page.locator("link[href], script[src]").evaluateAll((all) =>
    all.map((one) => one.getAttribute("href") ?? one.getAttribute("src")!));
  for (const file of files.filter((path) => /\.[0-9a-f]{12}\./.test(path))) {
    expect((await request.get(file)).headers()["cache-control"], file).toBe("public, max-age=31536000, immutable");
  }
  expect((await request.get("/sign-in")).headers()["cache-control"]).toBe("private, no-cache");
});
