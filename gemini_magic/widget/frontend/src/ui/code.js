// A code block's own row: its language, Copy, and Insert as a cell.

import { copyText, insertCell } from "./notebook.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

const SHOWN = 1600; // milliseconds for which a button says that it has done its work

/** Give every code block below `root` its row of buttons, once. */
export function dressCode(root, context) {
  for (const block of root.querySelectorAll(".gm-code:not(.gmc-dressed)")) {
    block.classList.add("gmc-dressed");
    block.prepend(row(block, context));
  }
}

/** Dress code blocks as they come while an answer is written; returns what ends it. */
export function dressAsTheyCome(root, context) {
  const watcher = new MutationObserver(() => dressCode(root, context));
  watcher.observe(root, { childList: true, subtree: true });
  return () => watcher.disconnect();
}

function row(block, context) {
  const { words } = context;
  const code = block.querySelector("code");
  const language = block.dataset.language || code?.dataset.language || block.querySelector("pre")?.dataset.language || "";
  const source = () => (code?.textContent ?? "").replace(/\n$/, "");
  return h(
    "div",
    { class: "gmc-code-row" },
    h("span", { class: "gmc-code-language" }, language || words("code")),
    actionButton("insert", words("insert"), words("insertTitle"), words("inserted"), () => insert(source(), context)),
    actionButton("copy", words("copy"), words("copyCode"), words("copied"), () => copy(source(), context)),
  );
}

/** A small button with a word that says for a moment that it worked. `act` is a promise of true when it did. */
export function actionButton(drawing, word, label, done, act) {
  const text = h("span", {}, word);
  const button = h("button", { type: "button", class: "gmc-small", title: label, "aria-label": label }, icon(drawing, 14), text);
  button.addEventListener("click", async () => {
    if (!(await act())) return;
    button.replaceChildren(icon("check", 14), h("span", {}, done));
    setTimeout(() => button.replaceChildren(icon(drawing, 14), text), SHOWN);
  });
  return button;
}

/** Copy, and say so in the pane when the browser refuses. */
export async function copy(text, { words, store }) {
  const copied = await copyText(text);
  if (!copied) store.notify("warning", words("copyFailed"));
  return copied;
}

async function insert(source, context) {
  if (insertCell(context.model, source, context.root)) return true;
  if (await copy(source, context)) context.store.notify("info", context.words("insertCopied"));
  return false;
}
