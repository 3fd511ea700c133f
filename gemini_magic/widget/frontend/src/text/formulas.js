/** How formulas stand in Markdown: `$…$`, `$$…$$`, `\(…\)` and `\[…\]`, read as the Python side reads them. */

import { escapeText } from "./escape.js";
import { defuse } from "./tex.js";

const BLOCK_BEGINS = /^ {0,3}\$\$/;
const BLOCK_AHEAD = /\n {0,3}\$\$/;
const OPENINGS = ["$", "\\(", "\\["];
const SPACE = /^\s$/;
const DIGIT = /\p{Nd}$/u;
const BRACKETS = { "\\(": "\\)", "\\[": "\\]" };
// What may be a formula; emphasis does not begin or end in it.
const MASKED = new RegExp(
  [
    /\\\((?:[^\\]|\\(?!\())+?\\\)/,
    /\\\[(?:[^\\]|\\(?!\[))+?\\\]/,
    /\$\$[^$]+\$\$/,
    /(?<![\\$\d])\$(?![\s$])(?:\\.|[^$\\])*?(?<![\s\\])\$(?![\d$])/,
  ].map((form) => form.source).join("|"),
  "g",
);

/** The two extensions of marked; `spend` is told how much text is looked through. */
export function formulas(spend) {
  return { extensions: [block(spend), inline(spend)], hooks: { emStrongMask: (source) => source.replace(MASKED, masked) } };
}

function masked(formula) {
  return formula.replace(/[*_~]/g, "a");
}

function block(spend) {
  return {
    name: "formulaBlock",
    level: "block",
    start(source) {
      if (!source.includes("$$")) return undefined;
      spend(source.length);
      const ahead = BLOCK_AHEAD.exec(source);
      return ahead ? ahead.index + 1 : undefined;
    },
    tokenizer(source) {
      if (!BLOCK_BEGINS.test(source)) return undefined;
      const raw = wholeBlock(source);
      if (raw === null) return undefined;
      spend(raw.length);
      return { type: "formulaBlock", raw, tex: raw.trim().slice(2, -2) };
    },
    renderer: ({ tex }) => `<div class="gm-math">$$${escapeText(defuse(tex))}$$</div>\n`,
  };
}

/** The lines from `$$` to the line that ends with `$$`, or null where there is a blank line first. */
function wholeBlock(source) {
  let begin = 0;
  for (let end; begin < source.length; begin = end) {
    const feed = source.indexOf("\n", begin);
    end = feed < 0 ? source.length : feed + 1;
    const line = source.slice(begin, end).trim();
    if (begin > 0 && line === "") return null;
    if (line.endsWith("$$") && (begin > 0 || line.length > 3)) return source.slice(0, end);
    if (begin === 0 && line.slice(2).includes("$$")) return null;
  }
  return null;
}

function inline(spend) {
  return {
    name: "formula",
    level: "inline",
    start(source) {
      spend(source.length >> 4); // indexOf is quick; an expression would be as slow as all the rest
      const found = OPENINGS.map((opening) => source.indexOf(opening)).filter((index) => index >= 0);
      return found.length ? Math.min(...found) : undefined;
    },
    tokenizer(source, tokens) {
      if (source[0] === "\\") return bracketed(source, spend);
      if (source[0] !== "$" || DIGIT.test(tokens.at(-1)?.raw ?? "")) return undefined;
      return dollars(source, spend);
    },
    renderer: ({ tex, mark }) => `<span class="gm-math">${mark}${escapeText(defuse(tex))}${mark}</span>`,
  };
}

function bracketed(source, spend) {
  const closing = BRACKETS[source.slice(0, 2)];
  if (!closing) return undefined;
  const end = source.indexOf(closing, 2);
  spend(end < 0 ? source.length : end);
  if (end <= 2) return undefined;
  return found(source, end + 2, source.slice(2, end), closing === "\\)" ? "$" : "$$");
}

function dollars(source, spend) {
  const mark = source[1] === "$" ? "$$" : "$";
  if (SPACE.test(source[1] ?? " ")) return undefined;
  const end = closingAt(source, mark);
  spend(end < 0 ? source.length : end);
  if (end <= mark.length || SPACE.test(source[end - 1])) return undefined;
  const after = end + mark.length;
  if (/^\p{Nd}/u.test(source.slice(after, after + 2))) return undefined;
  return found(source, after, source.slice(mark.length, end), mark);
}

/** Where the mark stands next that no backslash takes away. */
function closingAt(source, mark) {
  for (let end = source.indexOf("$", mark.length); end >= 0; end = source.indexOf("$", end + 1)) {
    if (escaped(source, end)) continue;
    if (mark === "$" || source[end + 1] === "$") return end;
  }
  return -1;
}

function escaped(source, index) {
  let backslashes = 0;
  while (source[index - 1 - backslashes] === "\\") backslashes += 1;
  return backslashes % 2 === 1;
}

function found(source, length, tex, mark) {
  return { type: "formula", raw: source.slice(0, length), tex, mark };
}
