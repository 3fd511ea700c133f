// What rendered text may consist of, looked at as a browser would: parsed once more from its HTML.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { expect } from "vitest";

const TAGS = new Set(
  "a blockquote br code div em h1 h2 h3 h4 h5 h6 hr li ol p pre s span strong table tbody td th thead tr ul".split(" "),
);
const MATHS_TAGS = new Set(
  (
    "math menclose merror mfrac mi mmultiscripts mn mo mover mpadded mphantom mroot mrow ms mspace msqrt mstyle msub msubsup " +
    "msup mtable mtd mtext mtr munder munderover"
  ).split(" "),
);
const ATTRIBUTES = {
  a: ["href", "target", "rel"],
  code: ["class"],
  div: ["class", "data-language", "title"],
  ol: ["start"],
  pre: ["class"],
  span: ["class", "title"],
  td: ["class"],
  th: ["class"],
};
const MATHS_ATTRIBUTE = /^(?!on|href|src|style|class|id|name)[a-z]+$/;
const CLASS = /^(?:gm-(?:code|math|place|right|center|table|plain)|hljs|hljs-[a-z_-]+|language-[\w+#.-]+|[a-z]+_)$/;
const HREF = /^(?:https?:\/\/[A-Za-z0-9[]|mailto:)/;
const MATHML = "http://www.w3.org/1998/Math/MathML";
const DATA = join(import.meta.dirname, ..."../../../../../tests/data".split("/"));

/** A file of the tests' shared data. */
export function data(path) {
  return readFileSync(join(DATA, path), "utf8");
}

/** The hostile texts of the suite, with their placeholders filled. */
export function payloads() {
  const filled = { "@RUN@": "run()", "@HOST@": "http://127.0.0.1:9", "@PORT@": "9" };
  return data("xss.jsonl").trim().split("\n").map((line) => {
    const { id, payload } = JSON.parse(line);
    return { id, payload: payload.replace(/@[A-Z]+@/g, (name) => filled[name]) };
  });
}

/** The payloads that DOMPurify was tested with when it last came with its tests. */
export function corpus() {
  const entries = createRequire(import.meta.url)("dompurify-corpus/test/fixtures/expect.js");
  return entries.map(({ title, payload }, index) => ({ id: `${index}: ${title}`, payload }));
}

/** What is wrong with the elements in and below a node, which is nothing. */
export function faults(root) {
  const again = new DOMParser().parseFromString(`<body>${htmlOf(root)}</body>`, "text/html").body;
  return [...wrong(root), ...wrong(again)];
}

export function assertNarrow(root, about) {
  expect(faults(root), about).toEqual([]);
}

export function htmlOf(node) {
  const box = document.createElement("div");
  box.append(node.cloneNode(true));
  return node.nodeType === Node.ELEMENT_NODE ? box.firstChild.innerHTML : box.innerHTML;
}

function wrong(root) {
  return [...root.querySelectorAll("*")].flatMap((element) => {
    const found = [...element.attributes].filter((attribute) => !mayStand(element, attribute));
    const tag = element.localName;
    const known = element.namespaceURI === MATHML ? MATHS_TAGS.has(tag) : TAGS.has(tag);
    return [...(known ? [] : [tag]), ...found.map(({ name, value }) => `${tag} ${name}=${value}`)];
  });
}

function mayStand(element, { name, value }) {
  if (element.namespaceURI === MATHML) return MATHS_ATTRIBUTE.test(name);
  if (!ATTRIBUTES[element.localName]?.includes(name)) return false;
  if (name === "class") return value.split(" ").every((one) => CLASS.test(one));
  if (name === "href") return HREF.test(value) && element.target === "_blank" && element.rel === "noopener noreferrer nofollow";
  if (name === "title") return element.classList.contains("gm-math");
  return true;
}
