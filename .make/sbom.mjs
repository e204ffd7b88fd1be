// Prints a software bill of materials (CycloneDX 1.6) of what `make build` ships: the crates of the server and of the
// islands, and the fonts. What only the build runs (procedural macros, build scripts) has the scope `excluded`.
//   node .make/sbom.mjs
// The same sources give the same text: it has no time and no random serial number.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const PROGRAM = ["-p", "server", "--features", "server/otlp"];
const ISLANDS = ["-p", "islands", "--target", "wasm32-unknown-unknown"];

const cargo = (...args) => execFileSync("cargo", [...args, "--locked"], { encoding: "utf8", maxBuffer: 2 ** 28 });

/** What the resolver links, as `name@version`: more exact than metadata, which counts the features of the tests, too. */
function crates(what, edges) {
  const lines = cargo("tree", ...what, "--edges", edges, "--prefix", "none", "--format", "{p}").trim().split("\n");
  return lines.map((line) => line.split(" ").slice(0, 2).join("@").replace("@v", "@"));
}

const shipped = new Set([PROGRAM, ISLANDS].flatMap((what) => crates(what, "normal,no-proc-macro")));
const used = new Set([PROGRAM, ISLANDS].flatMap((what) => crates(what, "normal,build")));

// In Cargo.lock a crate has its checksum a few lines below its name.
const lock = readFileSync("Cargo.lock", "utf8").split("[[package]]").map((part) => Object.fromEntries([...part.matchAll(/^(\w+) = "(.*)"$/gm)].map((match) => match.slice(1, 3))));
const checksums = new Map(lock.map(({ name, version, checksum }) => [`${name}@${version}`, checksum]));

const { packages, resolve } = JSON.parse(cargo("metadata", "--format-version", "1", "--features", "server/otlp"));
const key = ({ name, version }) => `${name}@${version}`;
const found = packages.filter((crate) => used.has(key(crate)));
const refs = new Map(found.map((crate) => [crate.id, `pkg:cargo/${key(crate)}`]));

function component(crate) {
  const checksum = checksums.get(key(crate));
  return {
    type: "library",
    "bom-ref": refs.get(crate.id),
    name: crate.name,
    version: crate.version,
    scope: shipped.has(key(crate)) ? "required" : "excluded",
    ...(checksum && { hashes: [{ alg: "SHA-256", content: checksum }] }),
    // Old manifests write `MIT/Apache-2.0`.
    ...(crate.license && { licenses: [{ expression: crate.license.replaceAll(/\s*\/\s*/g, " OR ") }] }),
    purl: refs.get(crate.id),
  };
}

/** SQLite is compiled from within a crate, and has vulnerabilities of its own. */
function sqlite() {
  const crate = found.find(({ name }) => name === "libsqlite3-sys");
  const header = readFileSync(join(dirname(crate.manifest_path), "sqlite3/sqlite3.h"), "utf8");
  const version = header.match(/^#define SQLITE_VERSION\s+"(.*)"$/m)[1];
  const cpe = `cpe:2.3:a:sqlite:sqlite:${version}:*:*:*:*:*:*:*`;
  return { type: "library", "bom-ref": `sqlite@${version}`, name: "sqlite", version, scope: "required", licenses: [{ expression: "blessing" }], cpe };
}

function fonts() {
  const npm = JSON.parse(readFileSync("package-lock.json", "utf8")).packages;
  const found = Object.entries(npm).filter(([path]) => path.includes("/@fontsource-variable/"));
  return found.map(([path, { version, license }]) => {
    const name = path.replace("node_modules/", "");
    const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
    return { type: "library", "bom-ref": purl, name, version, scope: "required", licenses: [{ expression: license }], purl };
  });
}

const root = found.find(({ name }) => name === "server");
const others = [sqlite(), ...fonts()];
const edges = resolve.nodes.filter(({ id }) => refs.has(id)).map(({ id, deps }) => {
  const linked = deps.filter(({ dep_kinds }) => dep_kinds.some(({ kind }) => kind !== "dev"));
  const dependsOn = linked.flatMap(({ pkg }) => refs.get(pkg) ?? []);
  if (id === root.id) dependsOn.push(...others.slice(1).map((one) => one["bom-ref"]));
  if (refs.get(id).startsWith("pkg:cargo/libsqlite3-sys@")) dependsOn.push(others[0]["bom-ref"]);
  return { ref: refs.get(id), dependsOn: dependsOn.sort() };
});
const bom = {
  $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
  bomFormat: "CycloneDX",
  specVersion: "1.6",
  version: 1,
  metadata: {
    lifecycles: [{ phase: "build" }],
    component: { type: "application", "bom-ref": refs.get(root.id), name: "offhook", version: root.version, licenses: [{ expression: root.license }] },
  },
  components: [...found.filter((crate) => crate !== root).map(component), ...others],
  dependencies: edges,
};
console.log(JSON.stringify(bom, null, 2));
