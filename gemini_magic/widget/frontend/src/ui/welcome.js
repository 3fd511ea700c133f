// The empty conversation: what can be done here, and questions to begin with.

import { h } from "./dom.js";
import { icon } from "./icons.js";

/** What stands in the log while there is no turn. */
export function welcome(state, { words, actions }) {
  if (!state.ready) return h("div", { class: "gmc-welcome" }, h("p", { class: "gmc-note" }, words("starting")));
  const starters = state.starters.map((text) => {
    return h("li", {}, h("button", { type: "button", class: "gmc-starter gmc-needs-kernel", onclick: () => actions.start(text) }, text));
  });
  return h(
    "div",
    { class: "gmc-welcome" },
    h("div", { class: "gmc-mark" }, icon("spark", 26)),
    h("h3", {}, words("emptyTitle")),
    h("p", { class: "gmc-note" }, words("emptyText")),
    starters.length ? h("ul", { class: "gmc-starters", "aria-label": words("starters") }, starters) : null,
  );
}
