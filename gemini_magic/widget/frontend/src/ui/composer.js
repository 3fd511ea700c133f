// Where the question is written: text, attachments, variables, and the button that sends or stops.

import { isBusy, questions } from "../turns.js";
import { createCompletion } from "./completion.js";
import { fill, h } from "./dom.js";
import { growing } from "./growing.js";
import { icon, iconButton } from "./icons.js";
import { ACCEPT, filesOf } from "./intake.js";
import { chooseFiles } from "./notebook.js";
import { createSender } from "./sender.js";
import { createTray } from "./tray.js";
import { createWriting } from "./writing.js";

/** The composer: `{element, update(), focus(), isFree(), attach(files), start(text), giveBack(text)}`. */
export function createComposer(context) {
  const { words, store, actions } = context;
  const area = h("textarea", { class: "gmc-area", rows: 1, placeholder: words("placeholder"), "aria-label": words("question"), "aria-haspopup": "listbox" });
  const fit = growing(area);
  const tray = createTray(context, { changed: refresh, focus: () => area.focus() });
  const completion = createCompletion(area, context, written);
  const sender = createSender(context, { area, tray, changed: refresh });
  const writing = createWriting(area, { store, completion, send, put });
  const buttons = [iconButton("attach", words("attach"), pick), iconButton("braces", words("variable"), writing.openBraces)];
  const hint = h("span", { class: "gmc-hint" });
  const main = h("button", { type: "button", class: "gmc-send", onclick: () => (isBusy(store.get()) ? actions.stop() : send()) });
  const row = h("div", { class: "gmc-composer-row" }, buttons, hint, main);
  const box = h("div", { class: "gmc-composer-box" }, tray.element, area, row);
  const element = h("div", { class: "gmc-composer" }, completion.element, box);

  function written() {
    fit();
    refresh();
  }

  function put(text) {
    area.value = text;
    area.setSelectionRange(text.length, text.length);
    written();
  }

  async function pick() {
    await tray.add(await chooseFiles({ accept: ACCEPT }));
    area.focus();
  }

  async function send() {
    if (!sender.can()) return;
    completion.close();
    if (!(await sender.send())) return;
    writing.forget();
    tray.clear();
    put("");
  }

  function refresh() {
    const stop = isBusy(store.get());
    showMode(main, stop ? "stop" : "send", words);
    main.disabled = !(stop ? sender.canStop() : sender.can());
    area.readOnly = sender.isSending();
    hint.textContent = words(sender.isSilent() ? "kernelBusy" : stop ? "hintStop" : "hint");
    for (const button of buttons) button.disabled = !sender.isOpen();
    element.classList.toggle("gmc-sending", sender.isSending());
    element.classList.toggle("gmc-silent", sender.isSilent());
  }

  area.addEventListener("input", () => {
    refresh();
    completion.refresh();
  });
  area.addEventListener("paste", (event) => {
    const files = filesOf(event.clipboardData);
    event.stopPropagation();
    if (files.length === 0) return;
    event.preventDefault();
    tray.add(files);
  });
  box.addEventListener("mousedown", (event) => {
    if (![box, row, hint].includes(event.target)) return;
    event.preventDefault();
    area.focus();
  });
  refresh();
  return {
    element,
    update: refresh,
    focus: () => area.focus(),
    /** Whether the keyboard is here, and nothing is being written. */
    isFree: () => area.value === "" && element.contains(element.getRootNode().activeElement),
    attach: tray.add,

    /** Give back a text that was not asked after all, unless something is being written or it still stands above. */
    giveBack(text) {
      if (area.value === "" && text && !questions(store.get()).includes(text)) put(text);
    },

    start(text) {
      put(text);
      area.focus();
      send();
    },
  };
}

function showMode(button, mode, words) {
  if (button.dataset.mode === mode) return;
  button.dataset.mode = mode;
  button.setAttribute("aria-label", words(mode));
  button.title = words(mode);
  fill(button, icon(mode));
}
