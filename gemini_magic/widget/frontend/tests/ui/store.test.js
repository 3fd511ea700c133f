import { describe, expect, test } from "vitest";

import { createStore } from "../../src/store.js";
import { around } from "../../src/turns.js";
import { stateOf, turnOf } from "./fakes.js";
import { answer, begin, delta, done, start } from "./stories.js";

describe("before the snapshot", () => {
  test("nothing but a snapshot is taken", () => {
    const store = createStore();
    store.receive(start(4));
    expect(store.get().live).toBe(null);
    store.receive({ type: "snapshot", seq: 9, state: stateOf({ turns: [turnOf(1)] }) });
    expect(store.get().turns).toHaveLength(1);
    expect(store.get().ready).toBe(true);
  });

  test("a message without a number is no message", () => {
    const { store, take } = begin();
    take({ type: "turns", turns: [turnOf(1)] }, null, undefined, 7);
    expect(store.get().turns).toEqual([]);
  });
});

describe("an answer that streams", () => {
  test("start, deltas and done in order make a turn", () => {
    const { store, changes, take } = begin();
    take(start(2), delta(3, 0, "Hel"), delta(4, 1, "lo"));
    expect(answer(store)).toBe("Hello");
    take(done(5, turnOf(1)));
    expect(store.get().live).toBe(null);
    expect(store.get().turns.map((view) => view.turn)).toEqual(["t1"]);
    expect(store.get().totals.total).toBe(7);
    expect(changes).toEqual(["start", "delta", "delta", "done"]);
  });

  test("thoughts and text are joined each with its own kind", () => {
    const { store, take } = begin();
    const thought = (seq, n, text, seconds) => ({ type: "delta", seq, turn: "t1", n, parts: [{ kind: "thought", text, seconds }] });
    take(start(2), thought(3, 0, "a", 1), thought(4, 1, "b", 2), delta(5, 2, "c"), delta(6, 3, "d"));
    expect(store.get().live.parts).toEqual([{ kind: "thought", text: "ab", seconds: 2 }, { kind: "text", text: "cd" }]);
  });

  test("parts that do not grow stay apart", () => {
    const { store, take } = begin();
    const image = { kind: "image", blob: "b", mime: "image/png", bytes: 3 };
    take(start(2), { type: "delta", seq: 3, turn: "t1", n: 0, parts: [image, image] });
    expect(store.get().live.parts).toHaveLength(2);
  });

  test("an answer that replaces a turn stands in its place while it comes and when it has come", () => {
    const { store, take } = begin({ state: stateOf({ turns: [turnOf(1), turnOf(2), turnOf(3)] }) });
    take(start(2, "t9", { replaces: "t2", number: 2 }));
    const names = () => around(store.get()).map((views) => views.map((view) => view.turn));
    expect(names()).toEqual([["t1"], ["t3"]]);
    take({ type: "turns", seq: 3, turns: [turnOf(1), turnOf(2), turnOf(3)], totals: null });
    expect(names()).toEqual([["t1"], ["t3"]]);
    take(done(4, turnOf(2, "Q", "new", { turn: "t9" })));
    expect(store.get().turns.map((view) => view.turn)).toEqual(["t1", "t9", "t3"]);
  });

  test("an answer that is not kept leaves the turn whose place it would have taken", () => {
    const { store, take } = begin({ state: stateOf({ turns: [turnOf(1)] }) });
    take(start(2, "t9", { replaces: "t1", number: 1 }), { type: "turns", seq: 3, turns: [turnOf(1)], totals: null });
    take({ type: "status", seq: 4, state: "idle", turn: null });
    expect([store.get().live, around(store.get())[0].map((view) => view.turn)]).toEqual([null, ["t1"]]);
  });

  test("a final form may name what was streamed in place of repeating it", () => {
    const { store, hellos, take } = begin();
    take(start(2), delta(3, 0, "long "), delta(4, 1, "text"));
    take(done(5, turnOf(1, "Q", "", { answer: [{ kind: "text", kept: 0 }, { kind: "text", text: "more" }] })));
    expect(store.get().turns[0].answer).toEqual([{ kind: "text", text: "long text" }, { kind: "text", text: "more" }]);
    expect(hellos).toEqual([]);
  });

  test("a final form that names what never came asks for a snapshot", () => {
    for (const kept of [{ kind: "text", kept: 4 }, { kind: "thought", kept: 0 }]) {
      const { hellos, take } = begin();
      take(start(2), delta(3, 0, "text"), done(4, turnOf(1, "Q", "", { answer: [kept] })));
      expect(hellos).toHaveLength(1);
    }
  });

  test("done for a turn that is known puts the new view in its place", () => {
    const { store, take } = begin({ state: stateOf({ turns: [turnOf(1), turnOf(2)] }) });
    take(done(2, turnOf(1, "Q", "other")));
    expect(store.get().turns.map((view) => view.answer[0].text)).toEqual(["other", "Answer 2"]);
  });

  test("status moves the live turn and is kept when it ends", () => {
    const { store, take } = begin();
    take(start(2), { type: "status", seq: 3, state: "stopping", turn: "t1" });
    expect(store.get().live.state).toBe("stopping");
    take(done(4, turnOf(1)), { type: "status", seq: 5, state: "idle", turn: null });
    expect(store.get().status).toEqual({ state: "idle", turn: null });
  });

  test("turns that hold the live turn end it, others leave it", () => {
    const { store, take } = begin();
    take(start(2), { type: "turns", seq: 3, turns: [turnOf(7)], totals: null });
    expect(store.get().live.turn).toBe("t1");
    take({ type: "turns", seq: 4, turns: [turnOf(7), turnOf(1)], totals: null });
    expect(store.get().live).toBe(null);
  });
});

describe("settings, notices, connection", () => {
  test("settings and models are taken as they come", () => {
    const { store, take, changes } = begin();
    take({ type: "settings", seq: 2, settings: { temperature: 1 } });
    store.listModels([{ name: "m" }]);
    expect(store.get().settings).toEqual({ temperature: 1 });
    take({ type: "snapshot", seq: 3, state: stateOf() });
    expect(store.get().models).toEqual([{ name: "m" }]);
    expect(changes).toEqual(["settings", "models", "all"]);
  });

  test("the same notice is shown once, the latest four stay, and each can be dismissed", () => {
    const { store, take } = begin();
    for (let seq = 2; seq < 9; seq += 1) take({ type: "notice", seq, level: "info", text: `line ${Math.min(seq, 7)}` });
    expect(store.get().notices.map((notice) => notice.text)).toEqual(["line 4", "line 5", "line 6", "line 7"]);
    store.dismiss(store.get().notices[0].id);
    store.notify("warning", "from here");
    expect(store.get().notices.map((notice) => notice.text)).toEqual(["line 5", "line 6", "line 7", "from here"]);
  });

  test("a notice of a snapshot is shown until a snapshot comes without it, or it was dismissed", () => {
    const notice = { level: "info", text: "saved", offer: "load" };
    const { store, take } = begin({ state: stateOf({ notice }) });
    expect(store.get().notices).toMatchObject([notice]);
    take({ type: "snapshot", seq: 2, state: stateOf() });
    expect(store.get().notices).toEqual([]);
    take({ type: "snapshot", seq: 3, state: stateOf({ notice }) });
    store.dismiss(store.get().notices[0].id);
    take({ type: "snapshot", seq: 4, state: stateOf({ notice }) });
    expect(store.get().notices).toEqual([]);
  });

  test("a lost kernel is seen, and any message brings it back", () => {
    const { store, take } = begin();
    store.lose();
    expect(store.get().kernel).toBe("gone");
    take({ type: "settings", seq: 2, settings: {} });
    expect(store.get().kernel).toBe("live");
  });

  test("an unknown message is counted and otherwise left alone", () => {
    const { store, hellos, take } = begin();
    take({ type: "reply", seq: 2, to: "x" }, { type: "tomorrow", seq: 3 }, start(4));
    expect(store.get().live.turn).toBe("t1");
    expect(hellos).toEqual([]);
  });

  test("a listener that is taken off hears nothing more", () => {
    const { store } = begin();
    const heard = [];
    const end = store.subscribe((_, change) => heard.push(change.what));
    store.notify("info", "a");
    end();
    store.notify("info", "b");
    expect(heard).toEqual(["notices"]);
  });
});
