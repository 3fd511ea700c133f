// One view: header, settings, notices, log and composer, wired to the session, and taken apart when the view goes.

import { isBusy } from "../turns.js";
import { createActions } from "./actions.js";
import { createAnnouncer } from "./announce.js";
import { createApproval } from "./approval.js";
import { createComposer } from "./composer.js";
import { h } from "./dom.js";
import { createHeader } from "./header.js";
import { bringsFiles, filesOf } from "./intake.js";
import { keepKeys } from "./keys.js";
import { createLog } from "./log.js";
import { createMenu } from "./menu.js";
import { createNotices } from "./notices.js";
import { createSettings } from "./settings.js";

/** Build the pane in `el`; returns the function that takes it away. */
export function createPane(el, session, { height = null } = {}) {
  const { words, store } = session;
  const root = h("section", { class: "gm-chat", "aria-label": words("chat"), lang: session.locale === "zh" ? "zh" : "en" });
  const context = { ...session, root, focusComposer: () => composer.focus(), isComposerFree: () => composer.isFree() };
  const notices = createNotices(context);
  context.actions = createActions(context, { confirm: notices.confirm, start: (text) => composer.start(text) });
  const { actions } = context;
  const settings = createSettings(context);
  const menu = createMenu(words, menuEntries(store, actions));
  const header = createHeader(context, { menu, settingsId: settings.id, toggleSettings });
  const log = createLog(context);
  const composer = createComposer(context);
  const approval = createApproval(context);
  const announcer = createAnnouncer(context);
  const target = h("div", { class: "gmc-drop", "aria-hidden": "true" }, words("drop"));
  const heading = h("h2", { class: "gmc-aloud" }, words("chat"));
  root.append(heading, header.element, settings.element, notices.element, log.element, approval.element, composer.element, announcer.element, target);

  function toggleSettings() {
    settings.element.hidden = !settings.element.hidden;
    header.expanded(!settings.element.hidden);
    if (!settings.element.hidden) settings.focus();
  }

  function update(state, change) {
    log.update(state, change);
    announcer.update(state, change);
    if (change.what === "delta") return;
    root.classList.toggle("gmc-gone", state.kernel === "gone");
    root.classList.toggle("gmc-busy", isBusy(state));
    for (const button of root.querySelectorAll(".gmc-needs-kernel")) button.disabled = state.kernel === "gone" || isBusy(state);
    if (["all", "settings", "done", "turns", "models"].includes(change.what)) header.update(state);
    if (["all", "settings"].includes(change.what)) settings.update(state);
    notices.update(state);
    approval.update(state);
    composer.update();
    if (change.draft) composer.giveBack(change.draft);
    if (change.what === "all") setHeight(root, state.height ?? height);
  }

  function escape(event) {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    if (!settings.element.hidden && settings.element.contains(event.target)) {
      toggleSettings();
      header.settingsButton.focus();
    } else if (isBusy(store.get())) actions.stop();
    else return;
    event.preventDefault();
  }

  root.addEventListener("keydown", escape);
  const endKeys = keepKeys(root);
  acceptDrops(root, (files) => {
    composer.attach(files);
    composer.focus();
  });
  const unsubscribe = store.subscribe(update);
  el.append(root);
  setHeight(root, height);
  update(store.get(), { what: "all" });
  return () => {
    unsubscribe();
    endKeys();
    log.close();
    approval.close();
    root.remove();
  };
}

function setHeight(root, height) {
  if (height === null || height === undefined) return;
  root.style.setProperty("--gmc-height", typeof height === "number" ? `${height}px` : String(height));
}

function menuEntries(store, actions) {
  const some = () => store.get().turns.length > 0;
  const idle = () => store.get().kernel !== "gone" && !isBusy(store.get());
  const both = () => some() && idle();
  const there = () => some() && store.get().kernel !== "gone";
  return [
    { key: "undo", icon: "retry", act: () => actions.tell("undo"), enabled: both },
    { key: "forkAll", icon: "fork", act: () => actions.fork(store.get().turns.at(-1).turn), enabled: both },
    null,
    { key: "exportMd", icon: "down", act: () => actions.export("md"), enabled: there },
    { key: "exportJson", icon: "down", act: () => actions.export("json"), enabled: there },
    { key: "exportIpynb", icon: "down", act: () => actions.export("ipynb"), enabled: there },
    { key: "load", icon: "file", act: actions.load, enabled: idle },
    null,
    { key: "clear", icon: "close", act: actions.clear, enabled: both },
  ];
}

function acceptDrops(root, take) {
  let depth = 0; // dragenter and dragleave come for every element on the way
  const show = (more) => {
    depth = Math.max(0, depth + more);
    root.classList.toggle("gmc-dragging", depth > 0);
  };
  const ours = (listener) => (event) => {
    if (!bringsFiles(event)) return;
    event.preventDefault();
    event.stopPropagation();
    listener(event);
  };
  root.addEventListener("dragenter", ours(() => show(1)));
  root.addEventListener("dragleave", ours(() => show(-1)));
  root.addEventListener("dragover", ours((event) => (event.dataTransfer.dropEffect = "copy")));
  root.addEventListener("drop", ours((event) => {
    show(-depth);
    take(filesOf(event.dataTransfer));
  }));
}
