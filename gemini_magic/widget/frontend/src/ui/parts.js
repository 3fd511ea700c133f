// One part of a prompt or an answer as an element. Text of the model goes through the one door to HTML, in src/text.

import { renderMarkdown } from "../text/index.js";
import { isPicture } from "../blobs.js";
import { sizeWords } from "../figures.js";
import { dressCode } from "./code.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { runCard } from "./run.js";
import { thoughtBox } from "./thought.js";

/** The parts of a message, one after the other; `mine` says that the person wrote them, so they stay plain text. */
export function partNodes(parts, context, { mine = false } = {}) {
  return parts.map((part) => partNode(part, context, mine));
}

/** One part. */
export function partNode(part, context, mine = false) {
  const make = MAKERS[part.kind] ?? MAKERS.other;
  return make(part, context, mine);
}

const MAKERS = {
  text: (part, context, mine) => (mine ? h("div", { class: "gmc-plain" }, part.text) : markdown(part.text, context)),
  thought: (part, context) => thoughtBox(part, context).element,
  image: picture,
  audio: sound,
  file: (part, context) => fileChip(part, context),
  code: codeOf,
  output: outputOf,
  call: (part, { words }) => folded(words("callOf", part.name), part.text),
  run: (part, context) => runCard(part, context, (media) => partNode(media, context)),
  result: (part, { words }) => folded(words("resultOf", part.name), part.text),
  other: (part) => h("div", { class: "gmc-plain" }, part.text ?? ""),
};

/** Markdown of the model, made safe, its code blocks dressed with their buttons. */
export function markdown(text, context) {
  const box = h("div", { class: "gmc-markdown" });
  box.append(renderMarkdown(text));
  dressCode(box, context);
  return box;
}

function picture(part, context, mine) {
  const { words, blobs } = context;
  if (!isPicture(part.mime) || !part.blob) return fileChip(part, context);
  const label = part.name || words(mine ? "attachedImage" : "image");
  const image = h("img", { alt: label, class: "gmc-loading" });
  const frame = h("figure", { class: "gmc-picture" }, image);
  blobs.url(part.blob, part.mime).then(
    (url) => {
      image.src = url;
      image.classList.remove("gmc-loading");
    },
    () => frame.replaceChildren(h("p", { class: "gmc-note" }, words("imageGone"))),
  );
  image.addEventListener("click", () => frame.classList.toggle("gmc-whole"));
  return frame;
}

function sound(part, context) {
  const { words, blobs } = context;
  const player = h("audio", { controls: true, "aria-label": part.name || part.mime });
  blobs.url(part.blob, part.mime).then(
    (url) => {
      player.src = url;
    },
    () => player.replaceWith(h("p", { class: "gmc-note" }, words("imageGone"))),
  );
  return player;
}

/** A file as a chip with its name and size; a click fetches and saves it where the kernel has its bytes. */
export function fileChip(part, { words, blobs }) {
  const name = part.name || part.uri || part.mime;
  const inside = [icon("file"), h("span", { class: "gmc-chip-name" }, name)];
  if (part.bytes) inside.push(h("span", { class: "gmc-chip-size" }, sizeWords(part.bytes)));
  if (!part.blob) return h("span", { class: "gmc-chip", title: part.uri ?? part.mime }, inside);
  const save = async () => {
    const url = await blobs.url(part.blob, "application/octet-stream");
    h("a", { href: url, download: part.name || "file" }).click();
  };
  return h("button", { type: "button", class: "gmc-chip", title: words("download", name), onclick: () => save().catch(() => {}) }, inside);
}

function codeOf(part, context) {
  const fence = "`".repeat(Math.max(3, ...(part.text.match(/`+/g) ?? []).map((run) => run.length + 1)));
  const box = markdown(`${fence}${(part.language || "").toLowerCase()}\n${part.text}\n${fence}`, context);
  return h("div", { class: "gmc-ran" }, h("div", { class: "gmc-caption" }, context.words("ranCode")), box);
}

function outputOf(part, { words }) {
  const name = words(part.ok ? "output" : "outputFailed");
  const shown = h("pre", { class: "gmc-output" }, part.text);
  return h("div", { class: part.ok ? "gmc-ran" : "gmc-ran gmc-ran-failed" }, h("div", { class: "gmc-caption" }, name), shown);
}

function folded(name, text) {
  return h("details", { class: "gmc-fold" }, h("summary", {}, icon("chevron", 12), name), h("pre", {}, text));
}
