// What is said aloud: that an answer begins, that it asks for leave, and how it ended. Nothing in between.

import { h } from "./dom.js";

/** A status line for screen readers: `{element, update(state, change)}`. */
export function createAnnouncer({ words }) {
  const element = h("div", { class: "gmc-aloud", role: "status", "aria-atomic": "true" });
  const say = (text) => {
    element.textContent = text;
  };

  function ending(view) {
    if (view?.status === "interrupted") return words("saysStopped");
    if (view?.error) return words("saysFailed", view.error.title || view.error.text);
    return words("saysDone");
  }

  let answering = null;
  return {
    element,
    update(state, change) {
      if (change.what === "start") say(words("saysWaiting"));
      else if (change.what === "delta" && answering !== change.turn && !state.live.approval) {
        answering = change.turn;
        say(words("saysAnswering"));
      } else if (change.what === "approval" && state.live.approval) say(words("leaveAsked", state.live.approval.name));
      else if (change.what === "done") say(ending(state.turns.find((view) => view.turn === change.turn)));
    },
  };
}
