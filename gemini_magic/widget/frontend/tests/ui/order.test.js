import { describe, expect, test } from "vitest";

import { stateOf, turnOf } from "./fakes.js";
import { answer, begin, delta, done, start } from "./stories.js";

describe("duplicates, gaps and disorder", () => {
  test("a message that comes twice counts once", () => {
    const { store, hellos, take } = begin();
    take(start(2), delta(3, 0, "a"), delta(3, 0, "a"), start(2), delta(4, 1, "b"));
    expect(answer(store)).toBe("ab");
    expect(hellos).toEqual([]);
  });

  test("a delta with an old count is left out", () => {
    const { store, take } = begin();
    take(start(2), delta(3, 0, "a"), delta(4, 0, "a"));
    expect(answer(store)).toBe("a");
  });

  test("a gap asks once for a snapshot and shows nothing torn", () => {
    const { store, hellos, take } = begin();
    take(start(2), delta(3, 0, "a"), delta(5, 2, "c"), delta(6, 3, "d"));
    expect(answer(store)).toBe("a");
    expect(hellos).toHaveLength(1);
  });

  test("messages that were only out of order are put in order", () => {
    const { store, take } = begin();
    take(start(2), delta(4, 1, "b"), delta(5, 2, "c"), delta(3, 0, "a"));
    expect(answer(store)).toBe("abc");
  });

  test("the snapshot after a gap mends it, and what came after the snapshot is added", () => {
    const { store, hellos, take } = begin();
    take(start(2), delta(4, 1, "b"), delta(6, 3, "d"));
    const live = { turn: "t1", number: 1, prompt: [], parts: [{ kind: "text", text: "abc" }], model: "m", state: "answering", seconds: 2, n: 2 };
    take({ type: "snapshot", seq: 5, state: stateOf({ live }) });
    expect(answer(store)).toBe("abcd");
    take(delta(7, 4, "e"));
    expect(answer(store)).toBe("abcde");
    expect(hellos).toHaveLength(1);
  });

  test("a delta that skips a count within its turn asks for a snapshot", () => {
    const { hellos, take } = begin();
    take(start(2), delta(3, 0, "a"), delta(4, 2, "c"));
    expect(hellos).toHaveLength(1);
  });

  test("a delta of a turn nobody knows asks for a snapshot, one of a finished turn does not", () => {
    const { hellos, take } = begin({ state: stateOf({ turns: [turnOf(1)] }) });
    take(delta(2, 0, "late", "t1"));
    expect(hellos).toHaveLength(0);
    take(delta(3, 0, "lost", "t9"));
    expect(hellos).toHaveLength(1);
  });

  test("an unanswered hello is said again, but not at every message", () => {
    const { hellos, take, pass } = begin();
    take(delta(5, 0, "x"), delta(6, 1, "x"));
    pass(2000);
    take(delta(7, 2, "x"));
    expect(hellos).toHaveLength(1);
    pass(2000);
    take(delta(8, 3, "x"));
    expect(hellos).toHaveLength(2);
  });

  test("an old snapshot meant for another page changes nothing", () => {
    const { store, take } = begin({ state: stateOf({ turns: [turnOf(1)] }), seq: 10 });
    take({ type: "snapshot", seq: 4, view: "other", state: stateOf() });
    expect(store.get().turns).toHaveLength(1);
  });

  test("a new snapshot meant for another page is as good as ours", () => {
    const { store, take } = begin();
    take({ type: "snapshot", seq: 2, view: "other", state: stateOf({ turns: [turnOf(1)] }) });
    expect(store.get().turns).toHaveLength(1);
    take(start(3));
    expect(store.get().live.turn).toBe("t1");
  });

  test("any order of a stream, each message twice, ends the same after the gap is mended", () => {
    const messages = [start(2), ...[..."abcdef"].map((text, n) => delta(3 + n, n, text))];
    const orders = [[6, 5, 4, 3, 2, 1, 0], [0, 2, 1, 4, 3, 6, 5], [3, 3, 0, 6, 1, 2, 5, 4], [1, 0, 0, 2, 6, 3, 4, 5]];
    for (const order of orders) {
      const { store, take } = begin();
      for (const place of order) take(messages[place], messages[place]);
      expect(answer(store)).toBe("abcdef");
    }
  });
});

describe("a snapshot in the middle of an answer", () => {
  const live = { turn: "t2", number: 2, prompt: [], parts: [{ kind: "text", text: "half" }], model: "m", state: "answering", seconds: 3 };

  test("shows what was written so far and goes on from there, whatever the count", () => {
    const { store, hellos, take } = begin({ state: stateOf({ turns: [turnOf(1)], live }), seq: 40 });
    expect(store.get().live.since).toBe(1000 - 3000);
    expect(store.get().status).toEqual({ state: "answering", turn: "t2" });
    take(delta(41, 17, " and half", "t2"), delta(42, 18, ".", "t2"));
    expect(answer(store)).toBe("half and half.");
    expect(hellos).toEqual([]);
  });

  test("two stores that began at different times end equal", () => {
    const early = begin();
    const messages = [start(2, "t2"), delta(3, 0, "half", "t2"), delta(4, 1, " and", "t2"), done(5, turnOf(2))];
    messages.forEach((message) => early.take(message));
    const late = begin({ state: stateOf({ live }), seq: 3 });
    late.take(...messages);
    expect(late.store.get().turns).toEqual(early.store.get().turns);
    expect(late.store.get().live).toBe(null);
  });
});
