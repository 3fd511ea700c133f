// A list to choose from by arrow keys or pointer, shown for a field that keeps the focus.

import { fill, h, uniqueId } from "./dom.js";

/**
 * A listbox for `field` (an input or textarea).
 *
 * `show(items, chosen)` opens it; an item is `{label, note, value}`; `key(event)` takes a key and says whether it was
 * used; `choose(item)` is called for the one that was taken.
 */
export function createPopup(field, { label, choose, keys = ["Enter", "Tab"], empty = "" }) {
  const id = uniqueId("list");
  const list = h("ul", { class: "gmc-popup", role: "listbox", id, "aria-label": label, hidden: true });
  let items = [];
  let at = -1;

  function mark(next) {
    at = next;
    [...list.children].forEach((node, place) => node.setAttribute("aria-selected", String(place === at)));
    const marked = list.children[at];
    if (marked?.id) field.setAttribute("aria-activedescendant", marked.id);
    else field.removeAttribute("aria-activedescendant");
    marked?.scrollIntoView?.({ block: "nearest" });
  }

  function close() {
    list.hidden = true;
    items = [];
    tellExpanded(false);
    field.removeAttribute("aria-activedescendant");
  }

  function option(item, place) {
    const take = (event) => {
      event.preventDefault(); // the field keeps the focus
      choose(item);
    };
    const note = item.note ? h("span", { class: "gmc-option-note" }, item.note) : null;
    const props = { role: "option", id: `${id}-${place}`, class: "gmc-option", "aria-selected": "false", onmousedown: take };
    return h("li", props, h("span", { class: "gmc-option-label" }, item.label), note);
  }

  function show(given, chosen = 0) {
    items = given;
    if (items.length === 0 && !empty) return close();
    const none = h("li", { class: "gmc-option gmc-option-none", role: "option", "aria-disabled": "true", "aria-selected": "false" }, empty);
    fill(list, items.length > 0 ? items.map(option) : none);
    list.hidden = false;
    tellExpanded(true);
    mark(items.length > 0 ? Math.max(0, chosen) : -1);
    return undefined;
  }

  const tellExpanded = (open) => {
    if (field.getAttribute("role") === "combobox") field.setAttribute("aria-expanded", String(open)); // a textbox has no such state
  };
  field.setAttribute("aria-controls", id);
  tellExpanded(false);
  field.setAttribute("aria-autocomplete", "list");
  return {
    element: list,
    show,
    close,
    isOpen: () => !list.hidden,
    key(event) {
      if (list.hidden) return false;
      const count = items.length;
      const moves = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: Math.min(at + 8, count - 1), PageUp: Math.max(at - 8, 0) };
      if (event.key === "Escape") close();
      else if (event.key in moves && count > 0) mark((moves[event.key] + count) % count);
      else if (keys.includes(event.key) && items[at]) choose(items[at]);
      else return false;
      event.preventDefault();
      event.stopPropagation();
      return true;
    },
  };
}
