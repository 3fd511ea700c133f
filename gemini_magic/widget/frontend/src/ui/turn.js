// One finished turn: the question, the answer, and what may be done with them.

import { secondsWords, usageWords } from "../figures.js";
import { questionOf, textOf } from "../turns.js";
import { copy } from "./code.js";
import { h } from "./dom.js";
import { editBox } from "./edit.js";
import { iconButton, icon } from "./icons.js";
import { outline } from "./outline.js";
import { fileChip, partNode, partNodes } from "./parts.js";
import { searchesOf, sourcesOf } from "./sources.js";

/** The elements of a turn: `[question, answer]`, both articles; `body` shows the answer's parts already, if there is one. */
export function turnNodes(view, context, body = null) {
  return [questionNode(view, context), answerNode(view, context, body)];
}

/** The question as an article of its own; `live` questions cannot be edited yet. */
export function questionNode(view, context, { live = false } = {}) {
  const { words } = context;
  const text = questionOf(view);
  const bubble = h("div", { class: "gmc-bubble" }, questionBody(view, context));
  const tools = h("div", { class: "gmc-tools" });
  const label = view.number ? words("youNumbered", view.number) : words("you");
  const article = h("article", { class: "gmc-question", "aria-label": label }, tagsOf(view, words), h("div", { class: "gmc-said" }, tools, bubble));
  const startEdit = (event) => {
    const button = event.currentTarget;
    const close = () => {
      box.replaceWith(bubble);
      tools.hidden = false;
      button.focus();
    };
    const box = editBox(text, context, { close, send: (changed) => context.actions.edit(view.turn, changed) });
    bubble.replaceWith(box);
    tools.hidden = true;
    box.querySelector("textarea").focus();
  };
  if (text) tools.append(iconButton("copy", words("copyQuestion"), () => copy(text, context)));
  if (!live) tools.append(iconButton("edit", words("edit"), startEdit, { class: "gmc-needs-kernel" }));
  return article;
}

function questionBody(view, context) {
  const files = view.prompt.filter((part) => part.kind !== "text");
  const texts = (view.source ?? null) === null ? view.prompt.filter((part) => part.kind === "text") : [{ kind: "text", text: view.source }];
  const shown = files.map((part) => (part.kind === "image" || part.kind === "audio" ? partNode(part, context, true) : attachment(part, context)));
  return [files.length ? h("div", { class: "gmc-given" }, shown) : null, ...partNodes(texts, context, { mine: true })];
}

function attachment(part, context) {
  return part.kind === "file" ? fileChip(part, context) : partNode(part, context, true);
}

function tagsOf(view, words) {
  const tags = [
    [view.from_cell, "fromCell", "fromCellTitle", ""],
    [view.stale, "stale", "staleTitle", "gmc-tag-warn"],
    [view.sent === false, "notSent", "notSentTitle", ""],
  ].filter(([holds]) => holds);
  if (tags.length === 0) return null;
  return h("div", { class: "gmc-tags" }, tags.map(([, key, title, more]) => h("span", { class: `gmc-tag ${more}`.trim(), title: words(title) }, words(key))));
}

function answerNode(view, context, written) {
  const { words } = context;
  const label = view.number ? words("answerNumbered", view.number) : view.model;
  const body = written ?? h("div", { class: "gmc-answer-body" }, partNodes(view.answer, context));
  outline(body);
  const empty = view.answer.length === 0 && view.status === "ok" ? h("p", { class: "gmc-note" }, words("emptyAnswer")) : null;
  const extras = [empty, endingOf(view, context), sourcesOf(view, words), searchesOf(view, words), footer(view, context)];
  const stale = view.stale ? " gmc-stale" : "";
  return h("article", { class: `gmc-answer gmc-${view.status}${stale}`, "aria-label": label }, body, ...extras.filter(Boolean));
}

function endingOf(view, context) {
  if (view.error) return errorBubble(view, context);
  const { words, actions } = context;
  const plain = { interrupted: "stopped", truncated: "cutOff", blocked: "blocked", failed: "failed" }[view.status];
  const text = view.finish?.text || (plain ? words(plain) : "");
  if (!text) return null;
  const goOn = view.finish?.can_continue
    ? h("button", { type: "button", class: "gmc-button gmc-needs-kernel", onclick: () => actions.tell("continue", { turn: view.turn }) }, words("goOn"))
    : null;
  const grave = view.status === "blocked" || view.status === "failed";
  return h("div", { class: `gmc-ending${grave ? " gmc-ending-grave" : ""}` }, icon(grave ? "warning" : "stop", 14), h("span", {}, text), goOn);
}

function errorBubble(view, { words, actions }) {
  const { error } = view;
  const retry = error.retry
    ? h("button", { type: "button", class: "gmc-button gmc-needs-kernel", onclick: () => actions.tell("retry", { turn: view.turn }) }, icon("retry", 14), words("retry"))
    : null;
  const said = h("div", { class: "gmc-error-text" }, h("strong", {}, error.title || words("failed")), h("p", {}, error.text));
  return h("div", { class: "gmc-error" }, icon("warning"), said, retry);
}

function footer(view, context) {
  const { words, locale, actions } = context;
  const text = textOf(view.answer);
  const tools = h("div", { class: "gmc-tools" });
  if (text) tools.append(iconButton("copy", words("copyAnswer"), () => copy(text, context)));
  if (!view.error?.retry) tools.append(iconButton("retry", words("retryTitle"), () => actions.tell("retry", { turn: view.turn }), { class: "gmc-needs-kernel" }));
  tools.append(iconButton("fork", words("fork"), () => actions.fork(view.turn), { class: "gmc-needs-kernel" }));
  const seconds = typeof view.seconds === "number" ? words("seconds", secondsWords(view.seconds)) : "";
  const figures = [view.model, seconds, usageWords(view.usage, words, locale)].filter(Boolean).join(" · ");
  return h("footer", { class: "gmc-footer" }, tools, h("span", { class: "gmc-figures" }, figures));
}
