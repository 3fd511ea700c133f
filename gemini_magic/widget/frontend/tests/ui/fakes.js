// A model as anywidget gives it, with a kernel behind it that the test scripts.

import widget from "../../src/index.js";

export const NO_USAGE = { prompt: 0, answer: 0, thoughts: 0, cached: 0, total: null, cost: "", words: "" };

export function stateOf(more = {}) {
  return {
    turns: [], live: null, settings: {}, models: null, totals: NO_USAGE, name: "main", starters: [], notice: null,
    profile: { name: "demo", model: "gemini-2.5-flash" }, restored: false, ...more,
  };
}

export function turnOf(number, question = `Question ${number}`, answer = `Answer ${number}`, more = {}) {
  return {
    turn: `t${number}`, number, status: "ok", stale: false, sent: true, prompt: [{ kind: "text", text: question }],
    answer: [{ kind: "text", text: answer }], error: null, finish: null, sources: [], searches: [], usage: null, seconds: 1.5,
    model: "gemini-2.5-flash", from_cell: false, ...more,
  };
}

export class FakeModel {
  listeners = {};
  sent = [];
  seq = 0;
  dead = false;

  constructor({ state = stateOf(), answer = {}, traits = {}, manager = {} } = {}) {
    Object.assign(this, { state, answers: answer, traits, widget_manager: manager });
  }

  get(name) {
    return this.traits[name];
  }

  on(name, listener) {
    (this.listeners[name] ??= []).push(listener);
  }

  off(name, listener) {
    this.listeners[name] = (this.listeners[name] ?? []).filter((other) => other !== listener);
  }

  emit(name, ...values) {
    for (const listener of [...(this.listeners[name] ?? [])]) listener(...values);
  }

  push(message, buffers = []) {
    this.seq += 1;
    this.emit("msg:custom", { seq: this.seq, ...message }, buffers);
  }

  send(content, _callbacks, buffers) {
    if (this.dead) throw new Error("the comm is closed");
    this.sent.push({ ...content, buffers });
    queueMicrotask(() => this.reply(content));
  }

  reply(content) {
    if (content.type === "hello") this.push({ type: "snapshot", view: content.view, state: this.state });
    const made = this.answers[content.type]?.(content);
    if (made) this.push({ type: "reply", to: content.id, ...made.reply }, made.buffers ?? []);
  }

  of(kind) {
    return this.sent.filter((message) => message.type === kind);
  }
}

export const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

/** A pane on a fake model, its snapshot taken: `{model, el, pane, view(), close()}`. */
export async function open(given = {}) {
  const model = new FakeModel(given);
  const made = widget();
  const end = made.initialize({ model });
  const views = [];
  const view = () => {
    const el = document.body.appendChild(document.createElement("div"));
    views.push([el, made.render({ model, el })]);
    return el;
  };
  const el = view();
  await settled();
  const close = () => {
    for (const [other, done] of views) {
      done();
      other.remove();
    }
    end();
  };
  return { model, el, view, close, pane: el.querySelector(".gm-chat") };
}

export function press(target, key, more = {}) {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, composed: true, ...more });
  target.dispatchEvent(event);
  return event;
}

export function type(area, text) {
  area.focus();
  area.value = text;
  area.setSelectionRange(text.length, text.length);
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

export function byLabel(root, label) {
  return [...root.querySelectorAll("[aria-label]")].find((node) => node.getAttribute("aria-label") === label);
}

export function byText(root, tag, text) {
  return [...root.querySelectorAll(tag)].find((node) => node.textContent.trim() === text);
}
