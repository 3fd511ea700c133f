// Thoughts of the model: folded, with their time, and while they come with the heading of the latest.

import { LiveText, renderMarkdown } from "../text/index.js";
import { secondsWords } from "../figures.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

/** The last heading in a run of thoughts ("**Weighing the options**"), or nothing. */
export function latestHeading(text) {
  const found = [...text.matchAll(/^\s*(?:\*\*([^*\n]+)\*\*|#{1,6} +([^\n]+))\s*$/gm)].at(-1);
  return found ? (found[1] ?? found[2]).trim() : "";
}

/** A folded box of thoughts: `{element, append(text), finish(seconds)}`. Nothing is rendered until it is opened. */
export function thoughtBox(part, { words }) {
  let { text } = part;
  let live = null;
  const title = h("span", { class: "gmc-fold-title" });
  const body = h("div", { class: "gmc-markdown gmc-thought-body" });
  const box = h("details", { class: "gmc-fold gmc-thought" }, h("summary", {}, icon("chevron", 12), icon("thought", 14), title), body);

  function name(seconds) {
    title.textContent = seconds === undefined || seconds === null ? words("thought") : words("thoughtFor", secondsWords(Math.max(0.1, seconds)));
  }

  function open() {
    if (!box.open || body.childNodes.length > 0) return;
    if (!box.classList.contains("gmc-now")) body.append(renderMarkdown(text));
    else {
      live = new LiveText(body);
      live.append(text);
    }
  }

  box.addEventListener("toggle", open);
  name(part.seconds);
  return {
    element: box,
    append(more) {
      text += more;
      live?.append(more);
      box.classList.add("gmc-now");
      title.textContent = latestHeading(text) || words("thinking");
    },
    finish(seconds) {
      box.classList.remove("gmc-now");
      live?.flush();
      name(seconds);
    },
  };
}
