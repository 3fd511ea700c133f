// The row at the top: which model answers, what it has taken so far, settings and menu.

import { countWords, shortCount, usageWords } from "../figures.js";
import { fill, h } from "./dom.js";
import { icon, iconButton } from "./icons.js";

/** The header: `{element, settingsButton, update(state)}`. */
export function createHeader({ words, locale }, { menu, settingsId, toggleSettings }) {
  const name = h("span", { class: "gmc-model-name" });
  const model = h("button", { type: "button", class: "gmc-model", onclick: toggleSettings, "aria-controls": settingsId, "aria-expanded": "false", title: words("settings") }, h("span", { class: "gmc-spark" }, icon("spark", 14)), name);
  const conversation = h("span", { class: "gmc-name" });
  const totals = h("span", { class: "gmc-totals" });
  const settingsButton = iconButton("settings", words("settings"), toggleSettings, { "aria-controls": settingsId, "aria-expanded": "false" });
  const element = h("header", { class: "gmc-header" }, model, conversation, totals, settingsButton, menu.button, menu.element);
  return {
    element,
    settingsButton,
    expanded(open) {
      for (const button of [model, settingsButton]) button.setAttribute("aria-expanded", String(open));
    },
    update(state) {
      name.textContent = state.settings.model || state.profile?.model || words("defaultModel");
      conversation.textContent = state.name === "main" ? "" : state.name;
      const total = state.totals?.total;
      const said = [total ? words("total", countWords(total)) : "", state.totals?.cost ?? ""].filter(Boolean);
      fill(totals, h("span", { class: "gmc-wide" }, said.join(" · ")), h("span", { class: "gmc-tight" }, total ? shortCount(total) : ""));
      totals.title = total ? `${words("totalTitle")}: ${usageWords(state.totals, words, locale)}` : "";
    },
  };
}
