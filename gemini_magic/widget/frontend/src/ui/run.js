// A call of a function as a folded card: what it is called with, what came of it, and who allowed it.

import { secondsWords } from "../figures.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

const SHORT = 160; // characters of the arguments in the card's head
const RUNNING = "running";

/** The card; `media(part)` makes the element of a picture or a file that came of the call. */
export function runCard(part, { words }, media) {
  const running = part.outcome === RUNNING;
  const state = running ? h("span", { class: "gmc-ring" }) : icon(part.outcome === "ok" ? "check" : "warning", 14);
  const head = h(
    "summary",
    {},
    icon("chevron", 12),
    state,
    h("span", { class: "gmc-fold-title" }, h("code", {}, part.name), h("span", { class: "gmc-run-args" }, inLine(part.text))),
    h("span", { class: "gmc-run-state" }, stateOf(part, words)),
  );
  const failed = running || part.outcome === "ok" ? "" : " gmc-run-failed";
  return h("details", { class: `gmc-fold gmc-run${failed}` }, head, h("div", { class: "gmc-run-body" }, bodyOf(part, words), (part.media ?? []).map(media)));
}

/** JSON of an object over several lines as it may stand in one. */
export function inLine(text = "") {
  return text.slice(0, SHORT).replace(/\s+/g, " ").replace(/^\{ ?| ?\}$/g, "");
}

function stateOf({ outcome, seconds }, words) {
  const time = seconds > 0 ? words("seconds", secondsWords(Math.max(0.1, seconds))) : "";
  return [outcome === "ok" ? "" : words.maybe(`run_${outcome}`), time].filter(Boolean).join(" · ");
}

function bodyOf(part, words) {
  const boxes = [["args", part.text], ["result", part.result]].filter(([, text]) => text);
  const decision = words.maybe(`by_${part.decision}`);
  return [
    ...boxes.flatMap(([key, text]) => [h("div", { class: "gmc-caption" }, words(key)), h("pre", { class: "gmc-output" }, text)]),
    part.error ? h("p", { class: "gmc-run-error" }, part.error) : null,
    decision ? h("p", { class: "gmc-note" }, decision) : null,
  ];
}
