// A menu button and its menu: arrow keys, letters, Escape.

import { h, uniqueId } from "./dom.js";
import { iconButton, icon } from "./icons.js";

/**
 * A menu of `entries`: `{key, icon, act, enabled()}`, or null for a line between.
 * Returns `{button, element}`; the element goes where it may lie over the rest.
 */
export function createMenu(words, entries) {
  const id = uniqueId("menu");
  const items = entries.filter(Boolean).map((entry) => [entry, item(entry)]);
  const lines = entries.map((entry) => (entry ? items.find(([other]) => other === entry)[1] : h("div", { role: "separator", class: "gmc-line" })));
  const element = h("div", { class: "gmc-menu", role: "menu", id, "aria-label": words("menu"), hidden: true }, lines);
  const button = iconButton("menu", words("menu"), () => (element.hidden ? open() : close()), { "aria-haspopup": "menu", "aria-expanded": "false", "aria-controls": id });

  function item(entry) {
    const act = () => {
      close();
      button.focus();
      entry.act();
    };
    return h("button", { type: "button", role: "menuitem", tabindex: "-1", class: "gmc-menu-item", onclick: act }, icon(entry.icon, 14), words(entry.key));
  }

  const usable = () => items.map(([, node]) => node).filter((node) => !node.disabled);

  function open() {
    for (const [entry, node] of items) node.disabled = entry.enabled ? !entry.enabled() : false;
    element.hidden = false;
    button.setAttribute("aria-expanded", "true");
    usable()[0]?.focus();
  }

  function close() {
    element.hidden = true;
    button.setAttribute("aria-expanded", "false");
  }

  function step(event) {
    const nodes = usable();
    const at = nodes.indexOf(event.target);
    const places = { ArrowDown: at + 1, ArrowUp: at - 1 + nodes.length, Home: 0, End: nodes.length - 1 };
    if (event.key === "Escape") {
      close();
      button.focus();
    } else if (event.key === "Tab") return close();
    else if (event.key in places) nodes[places[event.key] % nodes.length]?.focus();
    else return undefined;
    event.preventDefault();
    event.stopPropagation();
    return undefined;
  }

  element.addEventListener("keydown", step);
  element.addEventListener("focusout", (event) => {
    if (event.relatedTarget !== button && !element.contains(event.relatedTarget)) close();
  });
  return { button, element };
}
