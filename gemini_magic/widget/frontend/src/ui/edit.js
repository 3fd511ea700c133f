// A question edited where it stands.

import { h, uniqueId } from "./dom.js";
import { growing } from "./growing.js";

/** The box that replaces the bubble; `send(text)` is a promise of true when the question went out. */
export function editBox(text, { words }, { close, send }) {
  const hint = uniqueId("hint");
  const area = h("textarea", { class: "gmc-area", "aria-label": words("editLabel"), "aria-describedby": hint, rows: 1 });
  area.value = text;
  const again = h("button", { type: "button", class: "gmc-button gmc-primary", onclick: submit }, words("resend"));
  const cancel = h("button", { type: "button", class: "gmc-button", onclick: close }, words("cancel"));

  async function submit() {
    const changed = area.value.trim();
    if (!changed || again.disabled) return;
    again.disabled = true;
    if (!(await send(changed))) again.disabled = false;
  }

  area.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      close();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    }
  });
  growing(area);
  return h("div", { class: "gmc-edit" }, area, h("div", { class: "gmc-edit-row" }, h("span", { class: "gmc-note", id: hint }, words("editHint")), cancel, again));
}
