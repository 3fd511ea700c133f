// Lines between header and log: the kernel is gone, something to know, a question before something is lost.

import { asMarkdown } from "../turns.js";
import { fill, h } from "./dom.js";
import { icon, iconButton } from "./icons.js";
import { saveText } from "./notebook.js";

/** The place for lines: `{element, update(state), confirm(text, yes)}`; `confirm` is a promise of true or false. */
export function createNotices(context) {
  const { words, store, link, focusComposer } = context;
  const gone = h("div", { class: "gmc-notice gmc-notice-warning", role: "alert", hidden: true });
  const lines = h("div", { class: "gmc-notice-lines", role: "status" });
  const asking = h("div", {});
  const element = h("div", { class: "gmc-notices" }, gone, asking, lines);

  function goneLine() {
    const keep = () => saveText(`${store.get().name}.md`, "text/markdown", asMarkdown(store.get()));
    const buttons = [h("button", { type: "button", class: "gmc-button", onclick: () => link.hello() }, words("tryAgain"))];
    if (store.get().turns.length > 0) buttons.push(h("button", { type: "button", class: "gmc-button", onclick: keep }, words("keep")));
    return [icon("warning"), h("span", {}, words("gone")), h("span", { class: "gmc-notice-buttons" }, buttons)];
  }

  function offerButton(id) {
    const restore = () => {
      store.dismiss(id);
      context.actions.restore();
    };
    return h("button", { type: "button", class: "gmc-button", onclick: restore }, words("loadSaved"));
  }

  function line({ id, level, text, offer }) {
    const saved = offer === "load";
    const off = iconButton("close", words("dismiss"), () => {
      store.dismiss(id);
      focusComposer();
    });
    return h("div", { class: `gmc-notice gmc-notice-${level}` }, level === "info" ? null : icon("warning"), h("span", {}, saved ? words("newKernel") : text), saved ? offerButton(id) : null, off);
  }

  return {
    element,

    update(state) {
      const isGone = state.kernel === "gone";
      if (gone.hidden === isGone) {
        gone.hidden = !isGone;
        fill(gone, isGone ? goneLine() : []);
      }
      fill(lines, state.notices.map(line));
    },

    confirm(text, yes) {
      return new Promise((resolve) => {
        const end = (answer) => {
          fill(asking);
          resolve(answer);
        };
        const no = h("button", { type: "button", class: "gmc-button", onclick: () => end(false) }, words("cancel"));
        const sure = h("button", { type: "button", class: "gmc-button gmc-danger", onclick: () => end(true) }, yes);
        const box = h("div", { class: "gmc-notice gmc-notice-ask", role: "alertdialog", "aria-label": text }, h("span", {}, text), h("span", { class: "gmc-notice-buttons" }, no, sure));
        box.addEventListener("keydown", (event) => {
          if (event.key !== "Escape") return;
          event.stopPropagation();
          end(false);
        });
        fill(asking, box);
        no.focus();
      });
    },
  };
}
