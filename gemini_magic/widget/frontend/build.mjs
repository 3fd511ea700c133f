/**
 * Builds ../static from src: chat.js, chat.css, maths.js and the licences of what is in them.
 *
 *     node build.mjs [folder]
 *
 * The same sources and the same lock file give the same bytes.
 */

import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const OUT = process.argv[2] ?? join(HERE, "..", "static");
const LIMITS = { "chat.js": { bytes: 200_000, packed: 75_000 } };
const PACKAGE = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//;
const LICENCE = /^licen[cs]e(?:[.-].*)?$/i;
// Of packages that may be had under several licences, the one they are taken under.
const CHOSEN = { dompurify: "Apache-2.0" };

const COMMON = {
  absWorkingDir: HERE,
  bundle: true,
  charset: "utf8",
  format: "esm",
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
  minify: true,
  platform: "browser",
  target: ["es2022"],
  write: false,
};
const HEAD = "Licences of the libraries in this file: NOTICES.txt";

function styleSheet() {
  const folder = join(HERE, "src", "style");
  const index = join(folder, "index.css");
  if (existsSync(index)) return { entryPoints: [index] };
  const sheets = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".css")).sort() : [];
  const contents = sheets.map((name) => `@import "./${name}";`).join("\n");
  return { stdin: { contents, loader: "css", resolveDir: folder, sourcefile: "chat.css" } };
}

async function bundle(options) {
  const result = await build({ ...COMMON, ...options });
  return { text: result.outputFiles[0].text, inputs: Object.keys(result.metafile.inputs) };
}

function packagesOf(inputs) {
  const names = inputs.map((path) => PACKAGE.exec(path.split(sep).join("/"))?.[1]);
  return [...new Set(names.filter(Boolean))].sort();
}

function notice(name, files) {
  const folder = join(HERE, "node_modules", name);
  const { version, license, homepage = "" } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const texts = readdirSync(folder)
    .filter((file) => LICENCE.test(file))
    .sort()
    .slice(0, 1)
    .map((file) => readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n").trim());
  if (!texts.length) throw new Error(`${name} comes without its licence.`);
  const head = [`${name} ${version} (${files.join(", ")})`, homepage, `Licence: ${CHOSEN[name] ?? license}`];
  return [head.filter(Boolean).join("\n"), ...texts].join("\n\n");
}

function notices(bundles) {
  const homes = new Map();
  for (const [file, { inputs }] of Object.entries(bundles)) {
    for (const name of packagesOf(inputs)) homes.set(name, [...(homes.get(name) ?? []), file]);
  }
  const rule = `\n\n${"-".repeat(78)}\n\n`;
  const head = "The bundled files in this folder contain the following libraries, under their own licences.";
  return `${[head, ...[...homes].sort().map(([name, files]) => notice(name, files))].join(rule)}\n`;
}

function tooLarge(file, text) {
  const [bytes, packed] = [Buffer.byteLength(text), gzipSync(text).length];
  console.log(`${file.padEnd(12)} ${String(bytes).padStart(8)} B ${String(packed).padStart(8)} B gzip`);
  const limit = LIMITS[file];
  return limit !== undefined && (bytes > limit.bytes || packed > limit.packed);
}

const bundles = {
  "chat.js": await bundle({ entryPoints: [join(HERE, "src", "index.js")], banner: { js: `/* ${HEAD} */` } }),
  "chat.css": await bundle(styleSheet()),
  "maths.js": await bundle({ entryPoints: [join(HERE, "src", "text", "katex.js")], banner: { js: `/* ${HEAD} */` } }),
};
const files = Object.fromEntries(Object.entries(bundles).map(([name, { text }]) => [name, text]));
files["NOTICES.txt"] = notices(bundles);

mkdirSync(OUT, { recursive: true });
for (const [name, text] of Object.entries(files)) writeFileSync(join(OUT, name), text);
const large = Object.entries(files).filter(([name, text]) => tooLarge(name, text));
if (large.length) {
  console.error(`Too large: ${large.map(([name]) => name).join(", ")} (limits in ${relative(process.cwd(), join(HERE, "build.mjs"))})`);
  process.exitCode = 1;
}
