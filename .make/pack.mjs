// Packs the site: puts a hash of the content into the names of the files, and a brotli and a gzip copy beside each.
//   node .make/pack.mjs BUILT OUT
// BUILT holds offhook.css, offhook.js and offhook_bg.wasm; fonts come from npm, boot.js from app/islands, the rest from public.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const [built, out] = process.argv.slice(2);
const COMPRESSED = new Set([".css", ".js", ".wasm", ".svg", ".txt", ".webmanifest"]);
/** kB that the first page loads, brotli: the limits of P5 and P6. */
const LIMIT_SCRIPT_KB = 150;
const LIMIT_STYLE_KB = 20;

rmSync(out, { recursive: true, force: true });
const sizes = {};

function write(path, body) {
  mkdirSync(dirname(join(out, path)), { recursive: true });
  writeFileSync(join(out, path), body);
  if (!COMPRESSED.has(extname(path))) return;
  const brotli = brotliCompressSync(body, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: body.length },
  });
  const gzip = gzipSync(body, { level: 9 });
  sizes[extname(path)] = (sizes[extname(path)] ?? 0) + Math.min(brotli.length, body.length);
  if (brotli.length < body.length) writeFileSync(join(out, `${path}.br`), brotli);
  if (gzip.length < body.length) writeFileSync(join(out, `${path}.gz`), gzip);
}

/** Writes a file under its hashed name and returns that name. */
function hashed(folder, name, body) {
  const hash = createHash("sha256").update(body).digest("hex").slice(0, 12);
  const dot = name.lastIndexOf(".");
  const path = `${folder}/${name.slice(0, dot)}.${hash}${name.slice(dot)}`;
  write(path, body);
  return basename(path);
}

// A file is named after its content, so what it names comes first: fonts, then style; wasm, then glue, then boot.
let style = readFileSync(join(built, "offhook.css"), "utf8");
for (const [, name] of new Set([...style.matchAll(/\/fonts\/([\w-]+\.woff2)/g)].map((match) => match.slice(0, 2)))) {
  const family = name.replace(/-latin.*/, "");
  const font = readFileSync(`node_modules/@fontsource-variable/${family}/files/${name}`);
  // The OFL asks for its text beside every copy of the font.
  write(`fonts/${family}-licence.txt`, readFileSync(`node_modules/@fontsource-variable/${family}/LICENSE`));
  style = style.replaceAll(`/fonts/${name}`, `/fonts/${hashed("fonts", name, font)}`);
}
hashed("pkg", "offhook.css", Buffer.from(style));

const wasm = hashed("pkg", "offhook_bg.wasm", readFileSync(join(built, "offhook_bg.wasm")));
const glue = hashed("pkg", "offhook.js", readFileSync(join(built, "offhook.js")));
// Under `make dev` pages load themselves again after a restart.
const reload = readFileSync(join(built, "dev"), "utf8").trim() ? readFileSync("app/islands/reload.js", "utf8") : "";
const boot = (readFileSync("app/islands/boot.js", "utf8") + reload)
  .replace("./offhook.js", `./${glue}`)
  .replace("./offhook_bg.wasm", `./${wasm}`);
hashed("pkg", "boot.js", Buffer.from(boot));

for (const name of readdirSync("public", { recursive: true, withFileTypes: true })) {
  if (name.isFile()) write(join(name.parentPath, name.name).slice("public/".length), readFileSync(join(name.parentPath, name.name)));
}

const kb = (...endings) => endings.reduce((sum, ending) => sum + (sizes[ending] ?? 0), 0) / 1000;
const script = kb(".js", ".wasm");
console.log(`    script ${script.toFixed(1)} kB, style ${kb(".css").toFixed(1)} kB (brotli)`);
if (script > LIMIT_SCRIPT_KB || kb(".css") > LIMIT_STYLE_KB) {
  console.error(`    too much for one page: at most ${LIMIT_SCRIPT_KB} kB script and ${LIMIT_STYLE_KB} kB style`);
  process.exit(1);
}
