// Messages of a kernel, and a store to tell them to.

import { createStore } from "../../src/store.js";
import { stateOf } from "./fakes.js";

/** A store that has its snapshot, on a clock of its own: what it asked for and published is noted. */
export function begin({ state = stateOf(), seq = 1 } = {}) {
  let time = 1000;
  const hellos = [];
  const changes = [];
  const store = createStore({ hello: () => hellos.push(time), now: () => time });
  store.subscribe((_, change) => changes.push(change.what));
  store.receive({ type: "snapshot", seq, state });
  changes.length = 0;
  return { store, hellos, changes, pass: (more) => (time += more), take: (...messages) => messages.forEach((message) => store.receive(message)) };
}

export const start = (seq, turn = "t1", more = {}) => ({ type: "start", seq, turn, number: 1, prompt: [{ kind: "text", text: "Hi" }], model: "m", replaces: null, ...more });
export const delta = (seq, n, text, turn = "t1") => ({ type: "delta", seq, turn, n, parts: [{ kind: "text", text }] });
export const done = (seq, view) => ({ type: "done", seq, turn: view.turn, view, totals: { total: 7 } });
export const answer = (store) => store.get().live.parts.map((part) => part.text).join("|");
