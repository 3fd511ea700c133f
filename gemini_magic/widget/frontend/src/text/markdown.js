/** Markdown to safe elements: raw HTML off, tables and strikethrough on, images as words, links that name their place. */

import { Marked, Renderer, Tokenizer } from "marked";

import { BlockSplitter } from "./blocks.js";
import { escapeMarkdown, escapeText } from "./escape.js";
import { formulas } from "./formulas.js";
import { highlighted, languageOf } from "./highlight.js";
import { LONGEST, NESTING, Purse } from "./limits.js";
import { namesPlace, place, safeTarget } from "./links.js";
import { typeset } from "./maths.js";
import { clean, plain } from "./sanitize.js";
import { visible } from "./visible.js";

const REL = "noopener noreferrer nofollow";
const REFERENCE = /^[ >]*(?:[-*+]|\d+[.)])?[ ]*\[[^\]\n]*\]:/m;
const ENTITY = /&#?\w/;
const MARK = /^(?:[*_~[]|!\[)/; // these are looked for a partner to the end of the text
const REACH = 2_000; // characters that may be looked through for the end of a link
const QUOTATION = /^ {0,3}>/;
// Up to where something else may begin; marked's own looks for mail addresses, too, and that takes long.
const TEXT = /^(?:`+|~+|[^`~])(?:(?= {2,}\n)|[\s\S]*?(?:(?=[\\<!\[`*~_]|$)|[^ ](?= {2,}\n)))/;
const LANGUAGE = /(?:^|\s)language-(\S+)/;

let purse = new Purse();
let longestCode; // characters of code that are coloured; undefined is the usual

class NarrowTokenizer extends Tokenizer {
  #depth = 0;

  html() {}

  tag() {}

  url() {}

  inlineText(source) {
    const [raw] = TEXT.exec(source) ?? [];
    return raw && { type: "text", raw, text: raw, escaped: false };
  }

  blockquote(source) {
    if (QUOTATION.test(source)) purse.spend(costOfQuotation(source));
    return this.#within(source, () => super.blockquote(source));
  }

  list(source) {
    return this.#within(source, () => super.list(source));
  }

  link(source) {
    return this.#within(source, () => super.link(source));
  }

  reflink(source, links) {
    return this.#within(source, () => super.reflink(source, links));
  }

  codespan(source) {
    const token = super.codespan(source);
    if (!token && source[0] === "`") purse.spend(source.length);
    return token;
  }

  emStrong(source, masked, before) {
    return this.#within(source, () => super.emStrong(source, masked, before));
  }

  del(source, masked, before) {
    return this.#within(source, () => super.del(source, masked, before));
  }

  #within(source, read) {
    if (this.#depth >= NESTING) return undefined;
    this.#depth += 1;
    try {
      const token = read();
      if (token) purse.spend(token.raw.length * this.#depth);
      else if (MARK.test(source)) purse.spend(source.length);
      return token;
    } finally {
      this.#depth -= 1;
    }
  }
}

/** Lines without a mark are joined to a quotation again and again. */
function costOfQuotation(source) {
  const end = source.indexOf("\n\n");
  const lines = source.slice(0, end < 0 ? source.length : end).split("\n");
  const joined = lines.filter((line, index) => index > 0 && !QUOTATION.test(line) && QUOTATION.test(lines[index - 1]));
  return (joined.length * lines.length) / 4;
}

class AnswerRenderer extends Renderer {
  #inLink = false;

  html({ text }) {
    return escapeText(text);
  }

  text(token) {
    return token.tokens ? this.parser.parseInline(token.tokens) : escapeMarkdown(token.text);
  }

  codespan({ text }) {
    return `<code>${escapeText(text)}</code>`;
  }

  code({ text, lang }) {
    const language = languageOf(lang ?? "");
    const classes = language ? `hljs language-${language}` : "hljs";
    return `<div class="gm-code"><pre><code class="${classes}">${highlighted(text, language, longestCode)}</code></pre></div>\n`;
  }

  image({ href, text }) {
    return `<span>[image: ${escapeMarkdown(text)} (<span class="gm-source">${escapeMarkdown(href)}</span>)]</span>`;
  }

  link({ href, tokens }) {
    if (this.#inLink) return this.parser.parseInline(tokens);
    this.#inLink = true;
    try {
      const target = escapeMarkdown(href);
      return `<a href="${target}">${this.parser.parseInline(tokens)}</a><span class="gm-target">${target}</span>`;
    } finally {
      this.#inLink = false;
    }
  }

  del({ tokens }) {
    return `<s>${this.parser.parseInline(tokens)}</s>`;
  }

  checkbox({ checked }) {
    return checked ? "[x] " : "[ ] ";
  }

  table(token) {
    return `<div class="gm-table">${super.table(token)}</div>\n`;
  }

  tablecell({ header, tokens, align }) {
    const name = header ? "th" : "td";
    const css = align === "right" || align === "center" ? ` class="gm-${align}"` : "";
    return `<${name}${css}>${this.parser.parseInline(tokens)}</${name}>\n`;
  }
}

const parser = new Marked(formulas((characters) => purse.spend(characters)));
parser.setOptions({ gfm: true, renderer: new AnswerRenderer(), tokenizer: new NarrowTokenizer() });

/** A model's Markdown as elements that run nothing and fetch nothing. */
export function renderMarkdown(text) {
  const source = String(text);
  if (source.length > LONGEST) return plain(visible(source));
  const fragment = document.createDocumentFragment();
  const shared = new Purse();
  for (const block of blocksOf(source)) fragment.append(renderBlock(block, { purse: shared }));
  return fragment;
}

/** One block of Markdown; `code` is how many characters of code are coloured, where the usual is too slow. */
export function renderBlock(source, { purse: given = new Purse(), code } = {}) {
  const words = visible(source);
  purse = given;
  longestCode = code;
  try {
    purse.spend(Math.min(words.length, REACH) * (words.split("[").length - 1));
    return finished(clean(parser.parse(words)), ENTITY.test(words));
  } catch {
    return plain(words); // it nests or repeats beyond any sense
  }
}

/** Whether what stands in one place of a text decides what a link in another means. */
export function hasReferences(text) {
  return REFERENCE.test(text);
}

/** A whole text in blocks that can be rendered one by one. */
function blocksOf(source) {
  if (hasReferences(source)) return [source];
  const splitter = new BlockSplitter({ growth: 0 });
  return [...splitter.feed(source), splitter.tail];
}

function finished(fragment, entities) {
  if (entities) showAll(fragment);
  for (const source of fragment.querySelectorAll(".gm-source")) source.replaceWith(place(source.textContent));
  for (const target of fragment.querySelectorAll(".gm-target")) finishLink(target);
  for (const link of fragment.querySelectorAll("a:not([rel])")) link.replaceWith(...link.childNodes);
  for (const block of fragment.querySelectorAll(".gm-code")) {
    block.dataset.language = LANGUAGE.exec(block.querySelector("code")?.className ?? "")?.[1] ?? "";
  }
  typeset(fragment);
  return fragment;
}

/** Entities are read by the browser, and may stand for what hides. */
function showAll(fragment) {
  const walker = document.createTreeWalker(fragment, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const shown = visible(walker.currentNode.data);
    if (shown !== walker.currentNode.data) walker.currentNode.data = shown;
  }
}

/** Let a link lead where it says, or nowhere; its target stands behind it as text, just as the browser read it. */
function finishLink(target) {
  const link = target.previousSibling;
  if (link?.localName !== "a") {
    target.remove();
    return;
  }
  const address = safeTarget(target.textContent);
  target.className = "gm-place";
  if (address === null) {
    target.textContent = `[link removed: ${place(target.textContent)}]`;
    const words = document.createElement("span");
    words.append(...link.childNodes);
    link.replaceWith(words, " ");
    return;
  }
  link.href = address;
  link.target = "_blank";
  link.rel = REL;
  if (namesPlace(link.textContent, address)) {
    target.remove();
  } else {
    target.textContent = `(${place(address)})`;
    target.before(" ");
  }
}
