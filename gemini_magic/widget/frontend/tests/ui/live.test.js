import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { createSession } from "../../src/session.js";
import { FakeModel, byLabel, byText, open, press, settled, stateOf, turnOf } from "./fakes.js";

let made;

beforeEach(() => {
  URL.createObjectURL = () => "blob:here";
  URL.revokeObjectURL = () => {};
});

afterEach(() => {
  made?.close();
  made = null;
  vi.useRealTimers();
});

async function shown(state, more = {}) {
  made = await open({ state: stateOf(state), ...more });
  return made;
}

const articles = (pane) => [...pane.querySelectorAll("article")].map((node) => node.getAttribute("aria-label"));
const startOf = (turn, more = {}) => ({ type: "start", turn, number: 1, prompt: [{ kind: "text", text: "Hi" }], model: "m", replaces: null, ...more });
const text = (turn, n, words) => ({ type: "delta", turn, n, parts: [{ kind: "text", text: words }] });
const frame = () => new Promise((resolve) => setTimeout(resolve, 60));

describe("an answer that comes", () => {
  test("is written piece by piece, then stands as a turn with the same body", async () => {
    const { model, pane } = await shown();
    model.push(startOf("t1"));
    expect(pane.querySelector(".gmc-wait").textContent).toBe("Waiting 0 s");
    expect(byLabel(pane, "Stop")).toBeTruthy();
    model.push({ type: "status", state: "answering", turn: "t1" });
    model.push(text("t1", 0, "Hello "));
    model.push(text("t1", 1, "**you**"));
    await frame();
    const body = pane.querySelector(".gmc-live .gmc-answer-body");
    expect(body.textContent.trim()).toBe("Hello you");
    model.push({ type: "done", turn: "t1", view: turnOf(1, "Hi", "Hello **you**"), totals: null });
    model.push({ type: "status", state: "idle", turn: null });
    expect(articles(pane)).toEqual(["Question 1", "Answer 1"]);
    expect(pane.querySelector(".gmc-answer-body")).toBe(body);
    expect(body.querySelector("strong").textContent).toBe("you");
    expect(byLabel(pane, "Send")).toBeTruthy();
  });

  test("whose final form differs is drawn anew", async () => {
    const { model, pane } = await shown();
    model.push(startOf("t1"));
    model.push(text("t1", 0, "draft"));
    model.push({ type: "done", turn: "t1", view: turnOf(1, "Hi", "final"), totals: null });
    expect(pane.querySelector(".gmc-answer-body").textContent.trim()).toBe("final");
  });

  test("counts the seconds of waiting, those before this page opened too", async () => {
    const live = { turn: "t1", number: 1, prompt: [], parts: [], model: "m", state: "waiting", seconds: 7 };
    const { pane } = await shown({ live });
    expect(pane.querySelector(".gmc-wait").textContent).toBe("Waiting 7 s");
  });

  test("thoughts are folded, show their latest heading, and end with their time", async () => {
    const { model, pane } = await shown();
    model.push(startOf("t1"));
    model.push({ type: "delta", turn: "t1", n: 0, parts: [{ kind: "thought", text: "**Weighing it**\n\nhm" }] });
    const box = pane.querySelector(".gmc-thought");
    expect([box.open, box.querySelector(".gmc-fold-title").textContent]).toEqual([false, "Weighing it"]);
    const view = turnOf(1, "Hi", "", { answer: [{ kind: "thought", text: "**Weighing it**\n\nhm", seconds: 6.2 }, { kind: "text", text: "Yes" }] });
    model.push(text("t1", 1, "Yes"));
    model.push({ type: "done", turn: "t1", view, totals: null });
    expect(pane.querySelector(".gmc-fold-title").textContent).toBe("Thought for 6.2 s");
  });

  test("is announced at its start and its end only", async () => {
    const { model, pane } = await shown();
    const aloud = pane.querySelector(".gmc-aloud[role=status]");
    const said = [];
    new MutationObserver(() => said.push(aloud.textContent)).observe(aloud, { childList: true });
    model.push(startOf("t1"));
    await settled();
    for (let n = 0; n < 9; n += 1) {
      model.push(text("t1", n, "word "));
      await settled();
    }
    model.push({ type: "done", turn: "t1", view: turnOf(1), totals: null });
    await settled();
    expect(said).toEqual(["The question was sent", "Gemini is answering", "The answer is complete"]);
    expect(pane.querySelector("[role=log]").getAttribute("aria-live")).toBe("off");
  });

  test("leaves the other turns' elements where they are", async () => {
    const { model, pane } = await shown({ turns: [turnOf(1), turnOf(2)] });
    const before = [...pane.querySelectorAll("article")];
    model.push(startOf("t3"));
    model.push({ type: "done", turn: "t3", view: turnOf(3), totals: null });
    expect([...pane.querySelectorAll("article")].slice(0, 4)).toEqual(before);
  });
});

describe("several views and the end", () => {
  test("two views show the same, one opened in the middle of an answer", async () => {
    const { model, view } = await shown({ turns: [turnOf(1)] });
    model.push(startOf("t2"));
    model.push(text("t2", 0, "Half "));
    const second = view();
    model.push(text("t2", 1, "and half"));
    await frame();
    const bodies = [...document.querySelectorAll(".gmc-live .gmc-answer-body")].map((body) => body.textContent.trim());
    expect(bodies).toEqual(["Half and half", "Half and half"]);
    expect(articles(second)).toEqual(["Question 1", "Answer 1", "Question 1", "Gemini is answering"]);
  });

  test("closing takes everything away and listens no more", async () => {
    const { model, close, el } = await shown();
    close();
    made = null;
    expect(el.childNodes).toHaveLength(0);
    expect(Object.values(model.listeners).flat()).toEqual([]);
  });

  test("a kernel that does not answer at once is asked again, a few times, until it does", async () => {
    vi.useFakeTimers();
    const model = new FakeModel({});
    const answer = model.reply.bind(model);
    model.reply = () => {};
    const session = createSession(model);
    await vi.advanceTimersByTimeAsync(1400);
    expect(model.of("hello")).toHaveLength(3);
    model.reply = answer;
    await vi.advanceTimersByTimeAsync(2000);
    expect(session.store.get().kernel).toBe("live");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(model.of("hello")).toHaveLength(4);
    session.close();
  });

  test("a kernel that never answers is left alone", async () => {
    vi.useFakeTimers();
    const model = new FakeModel({});
    model.reply = () => {};
    const session = createSession(model);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(model.of("hello")).toHaveLength(5);
    session.close();
  });

  test("a kernel that is gone is one line with a way on, and no storm of tries", async () => {
    vi.useFakeTimers();
    const opened = open({ state: stateOf({ turns: [turnOf(1)] }) });
    await vi.runAllTimersAsync();
    made = await opened;
    const { model, pane } = made;
    const hellos = model.sent.length;
    model.dead = true;
    model.emit("comm_live_update");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(pane.querySelectorAll("[role=alert]:not([hidden])")).toHaveLength(1);
    expect(pane.querySelector("[role=alert]").textContent).toContain("Run this cell again");
    expect(byLabel(pane, "Send").disabled).toBe(true);
    expect(model.sent).toHaveLength(hellos);
    model.dead = false;
    byText(pane, "button", "Try to reconnect").click();
    await vi.advanceTimersByTimeAsync(10);
    expect(pane.querySelector("[role=alert]").hidden).toBe(true);
  });

  test("a new kernel offers what an earlier one saved", async () => {
    const notice = { level: "info", text: "An earlier one has saved this.", offer: "load" };
    const { model, pane } = await shown({ notice }, { answer: { load: () => ({ reply: { ok: true } }) } });
    byText(pane, "button", "Load it").click();
    await settled();
    expect(model.of("load")).toHaveLength(1);
    expect(pane.querySelector(".gmc-notice-lines").textContent).toBe("Restored from the autosave.");
  });

  test("keys stay in the pane, saving goes out", async () => {
    const { pane } = await shown();
    const heard = [];
    const listener = (event) => heard.push(event.key);
    document.addEventListener("keydown", listener);
    const area = pane.querySelector(".gmc-composer textarea");
    press(area, "d");
    press(area, "s", { ctrlKey: true });
    document.removeEventListener("keydown", listener);
    expect(heard).toEqual(["s"]);
  });
});
