// What every view of one conversation shows: a pure state machine over the kernel's messages. No DOM, no network.

import { createOrder } from "./order.js";
import { EMPTY, LOST, STEPS, fromSnapshot, withNotice } from "./steps.js";

/**
 * Make a store.
 *
 * `hello()` is called when the state can no longer be trusted; `now()` is a clock in milliseconds.
 * `subscribe(listener)` gets `(state, change)`; a change is `{what, …}` where `what` names what moved.
 */
export function createStore({ hello = () => {}, now = () => Date.now() } = {}) {
  let state = EMPTY;
  let notices = 0;
  const dismissed = new Set(); // texts of notices; a snapshot that repeats them brings none back
  const listeners = new Set();
  const order = createOrder({ apply, snapshot, ask: hello, now });

  function publish(next, change) {
    state = next;
    for (const listener of [...listeners]) listener(state, change);
  }

  function apply(message) {
    const outcome = STEPS[message.type]?.(state, message, now());
    if (outcome === LOST) order.lost();
    else if (outcome) publish(...outcome);
  }

  function snapshot(message) {
    publish(fromSnapshot(state, message.state, now(), dismissed), { what: "all" });
  }

  return {
    get: () => state,

    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    /** Take one message of the kernel; `mine` is the id by which this page said hello. */
    receive(message, mine) {
      if (typeof message?.seq !== "number") return;
      if (state.kernel === "gone") publish({ ...state, kernel: "live" }, { what: "kernel" });
      order.receive(message, mine);
    },

    /** The kernel is gone; whatever it says next brings it back. */
    lose() {
      order.forget();
      if (state.kernel !== "gone") publish({ ...state, kernel: "gone" }, { what: "kernel" });
    },

    /** A line for the person that comes from this page. */
    notify(level, text) {
      notices += 1;
      publish(withNotice(state, notices, level, text), { what: "notices" });
    },

    dismiss(id) {
      for (const notice of state.notices) if (notice.id === id) dismissed.add(notice.text);
      publish({ ...state, notices: state.notices.filter((notice) => notice.id !== id) }, { what: "notices" });
    },

    /** The models that may be chosen, once the kernel has listed them. */
    listModels(models) {
      publish({ ...state, models }, { what: "models" });
    },
  };
}
