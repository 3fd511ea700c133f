// The scroller with the turns: what changed is drawn anew, the rest stays, and the end is followed while the reader is there.

import { around, looks } from "../turns.js";
import { liveAnswer } from "./answer.js";
import { follow } from "./follow.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { keepReachable } from "./reach.js";
import { questionNode, turnNodes } from "./turn.js";
import { welcome } from "./welcome.js";

/** The log of a conversation: `{element, update(state, change), toEnd(), close()}`. */
export function createLog(context) {
  const { words } = context;
  const list = h("div", { class: "gmc-turns" });
  const scroller = h("div", { class: "gmc-log", role: "log", "aria-live": "off", "aria-label": words("conversation"), tabindex: "0" }, list);
  const jump = h("button", { type: "button", class: "gmc-jump", hidden: true }, icon("down", 14), words("jump"));
  const following = follow(scroller, list, (atEnd) => {
    jump.hidden = atEnd;
  });
  const endReach = keepReachable(list);
  jump.addEventListener("click", () => {
    following.toEnd();
    context.focusComposer();
  });

  const drawn = new Map(); // turn -> {looks, nodes}
  let live = null; // {turn, answer, nodes}

  function drawTurn(view) {
    const before = drawn.get(view.turn);
    const now = looks(view);
    if (before?.looks === now) return before.nodes;
    const written = live?.turn === view.turn ? live.answer : null;
    if (written) endLive();
    const nodes = turnNodes(view, context, written?.bodyFor(view.answer));
    drawn.set(view.turn, { looks: now, nodes });
    return nodes;
  }

  function drawLive(state) {
    if (live && live.turn !== state.live?.turn) endLive();
    if (!state.live) return [];
    if (!live) {
      const answer = liveAnswer(state.live, context);
      live = { turn: state.live.turn, answer, nodes: [questionNode(state.live, context, { live: true }), answer.element] };
    }
    live.answer.settle(state.live.state);
    return live.nodes;
  }

  function endLive() {
    live?.answer.close();
    live = null;
  }

  function drawAll(state) {
    const [before, after] = around(state);
    const nodes = [...before.flatMap(drawTurn), ...drawLive(state), ...after.flatMap(drawTurn)];
    const kept = new Set([...before, ...after].map((view) => view.turn));
    for (const turn of [...drawn.keys()]) if (!kept.has(turn)) drawn.delete(turn);
    if (!state.live) endLive();
    place(list, nodes.length > 0 ? nodes : [welcome(state, context)]);
  }

  function goToLive() {
    if (list.lastChild === live?.answer.element) following.toEnd();
    else live?.nodes[0].scrollIntoView?.({ block: "start" });
  }

  return {
    element: h("div", { class: "gmc-middle" }, scroller, jump),

    update(state, change) {
      if (change.what === "delta" && live?.turn === change.turn) live.answer.add(change.parts);
      else if (change.what === "status") drawLive(state);
      else if (["all", "start", "done", "turns", "delta"].includes(change.what)) {
        if (change.what === "all") endLive();
        drawAll(state);
      }
      if (change.what === "start") goToLive();
    },

    toEnd: following.toEnd,

    close() {
      endLive();
      endReach();
      following.close();
      fill(list);
    },
  };
}

/** Make the children of `parent` be `nodes`, moving and removing only what has to be. */
function place(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.childNodes]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, at) => {
    if (parent.childNodes[at] !== node) parent.insertBefore(node, parent.childNodes[at] ?? null);
  });
}
