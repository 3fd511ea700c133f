// Messages in the order of their numbers: doubles are left out, gaps are noticed, what came too early is held.

const AGAIN = 3000; // milliseconds after which an unanswered question for a snapshot is asked again, should more come

/**
 * The order of one kernel's messages.
 *
 * `apply(message)` gets each message once and in order, `snapshot(message)` the snapshots; `ask()` is called when only
 * a snapshot can help; `now()` is a clock in milliseconds.
 */
export function createOrder({ apply, snapshot, ask, now }) {
  let last = null; // the number applied last
  let asked = null; // when a snapshot was asked for that has not come
  const held = new Map();

  function drain() {
    while (held.has(last + 1)) {
      last += 1;
      const message = held.get(last);
      held.delete(last);
      apply(message);
    }
  }

  function takeSnapshot(message, mine) {
    const isAwaited = asked !== null && (message.view === undefined || message.view === mine);
    if (last !== null && message.seq <= last && !isAwaited) return;
    last = message.seq;
    asked = null;
    for (const seq of [...held.keys()]) if (seq <= last) held.delete(seq);
    snapshot(message);
    drain();
  }

  /** What is known is torn: ask for a snapshot, though not at every message. */
  function lost() {
    if (asked !== null && now() - asked < AGAIN) return;
    asked = now();
    ask();
  }

  return {
    lost,

    /** Take a message; `mine` is the name by which this page asks. Before the first snapshot nothing else counts. */
    receive(message, mine) {
      if (message.type === "snapshot") takeSnapshot(message, mine);
      else if (last !== null && message.seq > last) {
        held.set(message.seq, message);
        drain();
        if (held.size > 0) lost();
      }
    },

    /** Nobody is there to answer; the next loss may ask at once. */
    forget() {
      asked = null;
    },
  };
}
