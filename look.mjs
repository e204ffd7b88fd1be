import { chromium } from "playwright";
const B = "http://127.0.0.1:3401";
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
const ctx = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "light" });
const p = await ctx.newPage();
await p.goto(B + "/sign-up");
await p.getByLabel("Your name").fill("Ana").catch(() => {});
await p.getByLabel("E-mail").fill("ana@acme.example");
await p.getByLabel("Password").fill("plum orbit kettle 42");
await p.getByLabel("Account name").fill("Acme Telephony");
await p.getByRole("button", { name: "Create account" }).click();
await p.waitForURL(/\/a\//);
const acct = p.url().split("/")[4];
console.log(acct);
await p.screenshot({ path: "/tmp/look/start.png" });
await p.getByRole("button", { name: /test line/i }).first().click();
await p.waitForTimeout(1500);
await p.screenshot({ path: "/tmp/look/first.png" });
await p.goto(`${B}/a/${acct}/endpoints`);
await p.getByRole("link", { name: "Test line" }).last().click();
await p.waitForTimeout(500);
const ep = p.url();
await p.goto(ep.split("?")[0] + "/secret");
await p.screenshot({ path: "/tmp/look/secret0.png", fullPage: true });
await p.getByRole("button", { name: /Prepare/ }).first().click();
await p.waitForTimeout(800);
await p.screenshot({ path: "/tmp/look/secret1.png", fullPage: true });
await p.getByRole("button", { name: /Rotate/ }).first().click();
await p.waitForTimeout(800);
await p.screenshot({ path: "/tmp/look/secret2.png", fullPage: true });
await p.goto(`${B}/a/${acct}/tokens/new`); await p.getByLabel("Name").fill("CRM"); await p.getByLabel("deliveries:read").check();
await p.screenshot({ path: "/tmp/look/token-new.png", fullPage: true });
await p.getByRole("button", { name: "Make token" }).click(); await p.waitForTimeout(500);
await p.screenshot({ path: "/tmp/look/token-made.png", fullPage: true });
for (const [n, path] of [["tokens", "tokens"], ["members", "members"], ["invite", "members/invite"], ["audit", "audit"], ["settings", "settings"], ["deliveries", "deliveries"]]) {
  await p.goto(`${B}/a/${acct}/${path}`); await p.screenshot({ path: `/tmp/look/${n}.png`, fullPage: true });
}
const dark = await browser.newContext({ viewport: { width: 360, height: 780 }, colorScheme: "dark", storageState: await ctx.storageState() });
const d = await dark.newPage();
for (const [n, path] of [["secret", ep.split("?")[0].replace(B, "").slice(1) + "/secret"], ["tokens", `a/${acct}/tokens`], ["members", `a/${acct}/members`], ["audit", `a/${acct}/audit`]]) {
  await d.goto(`${B}/${path}`); await d.screenshot({ path: `/tmp/look/dark-${n}.png`, fullPage: true });
}
await browser.close();
