// Wakes the islands of a page. Does what the inline script of Leptos does (island_script.js of leptos 0.8.23), as a
// module of its own, so that the content policy needs no exception for inline scripts.
import init, * as islands from "./offhook.js";

// Leptos writes these four in an inline script at the end of each page; ours carry no data for the browser.
globalThis.__RESOLVED_RESOURCES ??= [];
globalThis.__SERIALIZED_ERRORS ??= [];
globalThis.__PENDING_RESOURCES ??= [];
globalThis.__RESOURCE_RESOLVERS ??= [];
globalThis.__INCOMPLETE_CHUNKS ??= [];

// What the innermost <leptos-children> want called before an island inside them wakes.
const childrenCallbacks = [];

async function wake(island) {
  const start = islands[island.dataset.component];
  if (!start) return console.warn(`no island ${island.dataset.component}`);
  childrenCallbacks.at(-1)?.();
  await start(island);
}

async function walk(node) {
  const children = node.localName === "leptos-children";
  if (node.localName === "leptos-island") await wake(node);
  if (children) childrenCallbacks.push(node.$$on_hydrate);
  for (const child of node.children) await walk(child);
  if (children) childrenCallbacks.pop();
}

// The server writes all times. It cannot know the zone of the first visit; of every later one it can, unless the
// person has chosen another.
if (!/(^|; )tz=/.test(document.cookie)) {
  const zone = encodeURIComponent(Intl.DateTimeFormat().resolvedOptions().timeZone);
  document.cookie = `tz=${zone}; path=/; max-age=31536000; samesite=lax`;
}

await init({ module_or_path: new URL("./offhook_bg.wasm", import.meta.url) });
islands.hydrate();
await walk(document.body);
globalThis.__hydrateIsland = wake;
// Tests wait for this; nothing else reads it.
document.documentElement.dataset.islands = "awake";
