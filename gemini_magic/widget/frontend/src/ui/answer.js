// The answer while it is being written.

import { LiveText } from "../text/index.js";
import { addPieces, continues } from "../live.js";
import { dressAsTheyCome, dressCode } from "./code.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { partNode } from "./parts.js";
import { thoughtBox } from "./thought.js";

const SECOND = 1000;

/** The live article: `{element, add(pieces), settle(state), close(), bodyFor(parts)}`. */
export function liveAnswer(live, context) {
  const { words } = context;
  const body = h("div", { class: "gmc-answer-body" });
  const wait = h("div", { class: "gmc-wait" }, icon("spark", 14), h("span", {}));
  const element = h("article", { class: "gmc-answer gmc-live", "aria-label": words("saysAnswering"), "aria-busy": "true" }, body, wait);
  const endDressing = dressAsTheyCome(body, context);
  const thoughts = []; // the boxes of thoughts, in their order
  const runs = new Map(); // the cards of calls, by the call
  let before; // the last part that was shown
  let shown = live; // what the body shows, joined to parts
  let writer = null; // what its text goes to
  let thoughtSince = 0;
  let state = live.state;

  function endThought() {
    if (before?.kind === "thought") writer.finish(before.seconds ?? (performance.now() - thoughtSince) / SECOND);
  }

  function begin(piece) {
    endThought();
    writer?.flush?.();
    writer = null;
    if (piece.kind === "text") {
      const box = h("div", { class: "gmc-markdown" });
      body.append(box);
      writer = new LiveText(box);
      writer.append(piece.text);
    } else if (piece.kind === "thought") {
      thoughtSince = performance.now();
      writer = thoughtBox({ ...piece, text: "" }, context);
      thoughts.push(writer);
      body.append(writer.element);
      writer.append(piece.text);
    } else body.append(nodeOf(piece));
  }

  function nodeOf(piece) {
    const node = partNode(piece, context);
    if (piece.call !== undefined) runs.set(piece.call, node);
    return node;
  }

  function replace(piece) {
    const old = runs.get(piece.call);
    const node = nodeOf(piece);
    node.open = old.open;
    old.replaceWith(node);
  }

  function add(pieces) {
    for (const piece of pieces) {
      if (runs.has(piece.call)) {
        replace(piece);
        continue;
      }
      if (continues(before, piece)) writer.append(piece.text);
      else begin(piece);
      before = continues(before, piece) ? { ...before, ...piece } : piece;
    }
    tick();
  }

  function tick() {
    const seconds = Math.max(0, Math.floor((Date.now() - live.since) / SECOND));
    const text = { waiting: words("waiting", seconds), stopping: words("stopping") }[state] ?? "";
    wait.lastChild.textContent = text;
    wait.classList.toggle("gmc-writing", text === "");
    wait.hidden = text === "" && before?.kind === "text";
    element.classList.toggle("gmc-caret", text === "" && before?.kind === "text");
  }

  const clock = setInterval(tick, SECOND);
  add(live.parts);
  return {
    element,

    add(pieces) {
      shown = addPieces(shown, pieces);
      add(pieces);
    },

    settle(next) {
      state = next;
      tick();
    },
    close() {
      clearInterval(clock);
      endThought();
      writer?.flush?.();
      dressCode(body, context);
      endDressing();
    },

    /** The body, when it shows these parts already; so a selection in it and the place in its code are kept. */
    bodyFor(parts) {
      if (!sameParts(shown.parts, parts)) return null;
      const seconds = parts.filter((part) => part.kind === "thought").map((part) => part.seconds);
      thoughts.forEach((box, place) => seconds[place] && box.finish(seconds[place]));
      return body;
    },
  };
}

function sameParts(some, others) {
  const bare = (parts) => JSON.stringify(parts.map(({ seconds, ...rest }) => rest));
  return bare(some) === bare(others);
}
