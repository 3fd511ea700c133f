/** Code in colours: highlight.js with the languages that answers in a notebook are written in. */

import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import diff from "highlight.js/lib/languages/diff";
import json from "highlight.js/lib/languages/json";
import markdown from "highlight.js/lib/languages/markdown";
import python from "highlight.js/lib/languages/python";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";

import { escapeText } from "./escape.js";
import { braces } from "./languages/braces.js";
import { css } from "./languages/css.js";
import { ini } from "./languages/ini.js";
import { r } from "./languages/r.js";
import { sql } from "./languages/sql.js";

const LANGUAGES = {
  bash,
  cpp: braces("cpp"),
  css,
  diff,
  go: braces("go"),
  ini,
  java: braces("java"),
  javascript: braces("javascript"),
  json,
  markdown,
  python,
  r,
  rust: braces("rust"),
  sql,
  xml,
  yaml,
};
const LANGUAGE = /^[\w+#.-]{1,30}$/;
const LONGEST = 30_000;
const LONG_LINE = /.{1000}/; // some grammars take the square of a line's length

const ALIASES = {
  bash: ["console", "shell"],
  cpp: ["c", "c++", "cc", "h", "hpp"],
  go: ["golang"],
  ini: ["toml", "cfg", "conf"],
  javascript: ["js", "jsx", "mjs", "ts", "tsx", "typescript"],
  python: ["ipython", "ipython3", "py3", "python3"],
  rust: ["rs"],
  sql: ["duckdb", "mysql", "postgres", "postgresql", "sqlite"],
};
for (const [name, language] of Object.entries(LANGUAGES)) hljs.registerLanguage(name, language);
for (const [languageName, aliases] of Object.entries(ALIASES)) hljs.registerAliases(aliases, { languageName });

/** The name that a fence gives to its code, or nothing when that is no name. */
export function languageOf(info) {
  const [name = ""] = info.trim().split(/\s+/, 1);
  return LANGUAGE.test(name) ? name.toLowerCase() : "";
}

/** Code as HTML, coloured when its language is known and neither it nor one of its lines is too long. */
export function highlighted(code, language, longest = LONGEST) {
  if (code.length > longest || LONG_LINE.test(code) || !hljs.getLanguage(language)) return escapeText(code);
  return hljs.highlight(code, { language, ignoreIllegals: true }).value;
}
