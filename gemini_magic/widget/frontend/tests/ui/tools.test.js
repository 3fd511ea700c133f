import { afterEach, describe, expect, test, vi } from "vitest";

import { byLabel, byText, open, press, settled, stateOf, turnOf, type } from "./fakes.js";
import { begin, delta, done, start } from "./stories.js";

let made;

afterEach(() => {
  made?.close();
  made = null;
  vi.useRealTimers();
});

const RUNNING = { kind: "run", call: 0, name: "get_weather", text: '{\n  "city": "Oslo"\n}', outcome: "running" };
const FINISHED = { ...RUNNING, outcome: "ok", decision: "run", result: "12 degrees", error: "", seconds: 0.42 };
const startOf = (turn) => ({ type: "start", turn, number: 1, prompt: [{ kind: "text", text: "Hi" }], model: "m", replaces: null });
const more = (n, ...parts) => ({ type: "delta", turn: "a1", n, parts });
const asked = (number, given = {}) => ({ type: "approval", turn: "a1", number, name: "get_weather", args: '{"city": "Oslo"}', description: "Looks out of the window.", behind: 0, ...given });
const decided = (number, leave) => ({ type: "approval", turn: "a1", number, leave });

async function shown(state = {}) {
  made = await open({ state: stateOf(state) });
  const { pane } = made;
  return { ...made, card: () => pane.querySelector(".gmc-run"), asking: () => pane.querySelector(".gmc-approval:not([hidden])") };
}

async function answering(state) {
  const all = await shown(state);
  all.model.push(startOf("a1"));
  return all;
}

const usable = () => new Promise((resolve) => setTimeout(resolve, 450));

describe("a call as a card", () => {
  test("is running, then has its outcome in the same place, and stays open when it was", async () => {
    const { model, pane, card } = await answering();
    model.push(more(0, { kind: "text", text: "Let me look." }, RUNNING));
    expect(card().querySelector("summary").textContent).toBe('get_weather"city": "Oslo"running');
    expect(card().querySelector(".gmc-ring")).toBeTruthy();
    expect(card().open).toBe(false);
    card().open = true;
    model.push(more(1, { kind: "text", text: "Meanwhile." }, FINISHED));
    expect(card().open).toBe(true);
    expect(card().querySelector("summary").textContent).toBe('get_weather"city": "Oslo"0.4 s');
    expect([...pane.querySelector(".gmc-answer-body").children].map((node) => node.className.split(" ").at(-1))).toEqual(["gmc-markdown", "gmc-run", "gmc-markdown"]);
    expect([...card().querySelectorAll("pre")].map((node) => node.textContent)).toEqual([RUNNING.text, "12 degrees"]);
    expect(card().querySelector(".gmc-note").textContent).toBe("You allowed this call.");
  });

  test("keeps its element when the answer is done", async () => {
    const { model, pane, card } = await answering();
    model.push(more(0, RUNNING));
    model.push(more(1, FINISHED, { kind: "text", text: "It is 12 degrees." }));
    const before = card();
    const answer = [{ kind: "run", kept: 0 }, { kind: "text", text: "It is 12 degrees." }];
    model.push({ type: "done", turn: "a1", view: turnOf(1, "Hi", "", { turn: "a1", answer }), totals: null });
    expect(card()).toBe(before);
    expect(pane.querySelector(".gmc-live")).toBe(null);
  });

  test.each([
    ["error", "failed"], ["timeout", "took too long"], ["unknown", "no such function"], ["invalid", "wrong arguments"],
    ["denied", "not run"], ["limit", "over the limit"], ["interrupted", "stopped"], ["toString", ""],
  ])("that ended with %s says so", async (outcome, words) => {
    const run = { ...FINISHED, outcome, result: "", error: "No such city.", seconds: 0 };
    const { card } = await shown({ turns: [turnOf(1, "Q", "", { answer: [run] })] });
    expect(card().querySelector(".gmc-run-state").textContent).toBe(words);
    expect(card().querySelector(".gmc-run-error").textContent).toBe("No such city.");
    expect(card().classList.contains("gmc-run-failed")).toBe(true);
  });

  test("shows pictures that came of it, and texts as texts", async () => {
    const hostile = "<img src=x onerror=alert(1)>$&{0}";
    const run = { ...FINISHED, name: hostile, text: hostile, result: hostile, error: hostile, outcome: hostile, decision: hostile };
    const media = [{ kind: "image", blob: "b", mime: "image/png", bytes: 3 }];
    const { model, pane, card } = await shown({ turns: [turnOf(1, "Q", "", { answer: [{ ...run, media }] })] });
    expect(pane.querySelectorAll("img")).toHaveLength(1);
    expect(card().querySelector("code").textContent).toBe(hostile);
    expect(model.of("blob")).toHaveLength(1);
  });

  test("is no part of what is copied, and parts the texts around it", async () => {
    const answer = [{ kind: "text", text: "Let me look." }, FINISHED, { kind: "text", text: "12 degrees." }];
    const copied = [];
    vi.stubGlobal("navigator", { ...navigator, clipboard: { writeText: async (words) => copied.push(words) } });
    const { pane } = await shown({ turns: [turnOf(1, "Q", "", { answer })] });
    byLabel(pane, "Copy the answer").click();
    await settled();
    vi.unstubAllGlobals();
    expect(copied).toEqual(["Let me look.\n\n12 degrees."]);
  });
});

describe("a call that waits for leave", () => {
  test("is asked for with its arguments, and decided once by a button", async () => {
    const { model, asking } = await answering();
    model.push(asked(0, { behind: 2 }));
    expect(asking().getAttribute("role")).toBe("group");
    expect(document.getElementById(asking().getAttribute("aria-labelledby")).textContent).toBe("Gemini wants to run get_weather");
    expect(asking().textContent).toContain("Looks out of the window.");
    expect(asking().querySelector("pre").textContent).toBe('{"city": "Oslo"}');
    expect(asking().textContent).toContain("2 more waiting");
    await usable();
    const run = byText(asking(), "button", "Run");
    run.click();
    run.click();
    expect(model.of("decide")).toMatchObject([{ turn: "a1", number: 0, leave: "run" }]);
    model.push(decided(0, "run"));
    expect(asking()).toBe(null);
  });

  test.each([["Run all", "all"], ["Deny", "deny"]])("%s is an answer, too", async (word, leave) => {
    const { model, asking } = await answering();
    model.push(asked(0));
    await usable();
    byText(asking(), "button", word).click();
    expect(model.of("decide")).toMatchObject([{ number: 0, leave }]);
  });

  test("a click meant for one question does not answer the next", async () => {
    const { model, asking } = await answering();
    model.push(asked(0));
    await usable();
    byText(asking(), "button", "Run").click();
    model.push(decided(0, "run"));
    model.push(asked(1));
    byText(asking(), "button", "Run").click();
    expect(model.of("decide")).toHaveLength(1);
    await usable();
    byText(asking(), "button", "Run").click();
    expect(model.of("decide")).toMatchObject([{ number: 0 }, { number: 1 }]);
  });

  test("stays when another one was decided, and goes with its answer", async () => {
    const { model, asking } = await answering();
    model.push(asked(1));
    model.push(decided(0, "deny"));
    expect(asking()).toBeTruthy();
    model.push({ ...decided(1, "deny"), turn: "a0" });
    expect(asking()).toBeTruthy();
    model.push({ type: "done", turn: "a1", view: turnOf(1, "Hi", "", { turn: "a1" }), totals: null });
    expect(asking()).toBe(null);
  });

  test("is there for a view that opens while it waits", async () => {
    const live = { turn: "a1", number: 1, prompt: [], parts: [], model: "m", state: "answering", seconds: 7, n: -1, approval: asked(3) };
    const { model, view, asking } = await shown({ live });
    const second = view();
    expect(second.querySelector(".gmc-approval").hidden).toBe(false);
    await usable();
    byText(asking(), "button", "Deny").click();
    expect(model.of("decide")).toMatchObject([{ turn: "a1", number: 3, leave: "deny" }]);
    model.push(decided(3, "deny"));
    expect(document.querySelectorAll(".gmc-approval:not([hidden])")).toHaveLength(0);
  });

  test("gets the keyboard where nobody writes, on no button, and gives it back", async () => {
    const { model, pane, asking } = await answering();
    const area = pane.querySelector(".gmc-composer textarea");
    area.focus();
    model.push(asked(0));
    expect(document.activeElement).toBe(asking());
    model.push(decided(0, "run"));
    expect(document.activeElement).toBe(area);
  });

  test("keeps the keyboard when it was answered by a button, for the next question", async () => {
    const { model, pane, asking } = await answering();
    model.push(asked(0));
    await usable();
    const run = byText(asking(), "button", "Run");
    run.focus();
    run.click();
    expect(document.activeElement).toBe(asking());
    model.push(decided(0, "run"));
    expect(document.activeElement).toBe(pane.querySelector(".gmc-composer textarea"));
    model.push(asked(1));
    expect(document.activeElement).toBe(asking());
  });

  test("leaves the keyboard with somebody who writes, and with the notebook", async () => {
    const { model, pane } = await answering();
    const area = pane.querySelector(".gmc-composer textarea");
    type(area, "And then");
    model.push(asked(0));
    expect(document.activeElement).toBe(area);
    model.push(decided(0, "run"));
    area.blur();
    model.push(asked(1));
    expect(document.activeElement).toBe(document.body);
  });

  test("is announced, and Escape stops the answer", async () => {
    const { model, pane, asking } = await answering();
    model.push(asked(0));
    expect(pane.querySelector(".gmc-aloud[role=status]").textContent).toBe("Gemini wants to run get_weather");
    model.push(more(0, { kind: "text", text: "Let me look." }));
    expect(pane.querySelector(".gmc-aloud[role=status]").textContent).toBe("Gemini wants to run get_weather");
    press(asking(), "Escape");
    expect(model.of("stop")).toHaveLength(1);
  });

  test("is not asked any more when the kernel is gone", async () => {
    const { model, asking } = await answering();
    model.push(asked(0));
    model.emit("comm:close");
    expect(asking()).toBe(null);
  });
});

describe("the store", () => {
  test("puts a call in the place of its earlier part, whatever came between", () => {
    const { store, take } = begin();
    take(start(2), { ...delta(3, 0, "a"), parts: [RUNNING, { ...RUNNING, call: 1 }] }, delta(4, 1, "text"), { ...delta(5, 2, ""), parts: [{ ...FINISHED, call: 1 }, FINISHED] }, delta(6, 3, " more"));
    expect(store.get().live.parts.map((part) => [part.kind, part.call, part.outcome ?? part.text])).toEqual([["run", 0, "ok"], ["run", 1, "ok"], ["text", undefined, "text more"]]);
  });

  test("fills in a call that is only named, and asks anew when it is not here", () => {
    const { store, take, hellos } = begin();
    take(start(2), { ...delta(3, 0, ""), parts: [FINISHED] }, done(4, turnOf(1, "Hi", "", { answer: [{ kind: "run", kept: 0 }] })));
    expect(store.get().turns[0].answer).toEqual([FINISHED]);
    take(start(5, "t2"), done(6, turnOf(2, "Hi", "", { answer: [{ kind: "run", kept: 4 }] })));
    expect(hellos).toHaveLength(1);
  });

  test("knows one question at a time", () => {
    const { store, take } = begin();
    take(start(2, "a1"), { seq: 3, ...asked(0) }, { seq: 4, ...asked(1) }, { seq: 5, ...decided(0, "run") });
    expect(store.get().live.approval.number).toBe(1);
    take({ seq: 6, ...decided(1, "all") });
    expect(store.get().live.approval).toBe(null);
  });
});
