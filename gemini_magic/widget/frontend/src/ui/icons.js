// The drawings of the interface: our own paths on a field of 16 by 16.

import { drawing, h } from "./dom.js";

const PATHS = {
  attach: "M13 7.2 8 12.3a3.2 3.2 0 0 1-4.6-4.5l5.3-5.3a2.1 2.1 0 0 1 3 3l-5.2 5.3a1 1 0 0 1-1.5-1.5l4.6-4.6",
  braces: "M6 2.5c-1.6 0-2 .8-2 2v1.7C4 7.3 3.3 8 2.2 8 3.3 8 4 8.7 4 9.8v1.7c0 1.2.4 2 2 2M10 2.5c1.6 0 2 .8 2 2v1.7c0 1.1.7 1.8 1.8 1.8-1.1 0-1.8.7-1.8 1.8v1.7c0 1.2-.4 2-2 2",
  check: "m3 8.5 3.2 3.2L13 4.8",
  close: "m4 4 8 8M12 4l-8 8",
  copy: "M6 5.5h6.2c.4 0 .8.4.8.8v6.4c0 .4-.4.8-.8.8H6a.8.8 0 0 1-.8-.8V6.3c0-.4.4-.8.8-.8ZM3.8 10.5H3.3a.8.8 0 0 1-.8-.8V3.3c0-.4.4-.8.8-.8h6.4c.4 0 .8.4.8.8v.2",
  down: "M8 3v9.5M4 9l4 4 4-4",
  edit: "m10.3 3.4 2.3 2.3M3 13l.6-2.9 7.3-7.3a1.3 1.3 0 0 1 1.8 0l.5.5a1.3 1.3 0 0 1 0 1.8L5.9 12.4 3 13Z",
  file: "M4.3 2.5h4.5l3 3v7.2c0 .4-.4.8-.8.8H4.3a.8.8 0 0 1-.8-.8V3.3c0-.4.4-.8.8-.8ZM8.7 2.7v3h3",
  fork: "M5 5v6M5 5a1.5 1.5 0 1 0-.1 0ZM5 14a1.5 1.5 0 1 0-.1 0ZM11 6.5A1.5 1.5 0 1 0 10.9 6.5ZM11 6.5c0 2.2-1.5 2.8-3.5 3.1C6 9.9 5 10.3 5 11",
  insert: "M2.5 3.5h11M2.5 12.5h5M11.5 8.8v5M9 11.3h5M2.5 8h5",
  retry: "M12.8 6.5A5.2 5.2 0 1 0 13 9.6M13 3v3.6H9.4",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.3 10.3l3.2 3.2",
  send: "M8 13V3.5M4 7.2l4-4 4 4",
  settings: "M2.5 4.7h6M12 4.7h1.5M10.3 6.3a1.6 1.6 0 1 0-.1 0ZM2.5 11.3H4M7.5 11.3h6M5.8 12.9a1.6 1.6 0 1 0-.1 0Z",
  thought: "M8 2.5a4.2 4.2 0 0 0-2.3 7.7c.4.3.6.7.6 1.1h3.4c0-.4.2-.8.6-1.1A4.2 4.2 0 0 0 8 2.5ZM6.7 13.5h2.6",
  chevron: "m5.5 3.5 4.5 4.5-4.5 4.5",
  warning: "M8 2.8 14 13H2L8 2.8ZM8 6.7v3M8 11.3h.01",
};

const FILLED = {
  menu: "M8 4.6a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4ZM8 9.2a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4ZM8 13.8a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4Z",
  spark: "M8 .9c.5 3.9 3.2 6.6 7.1 7.1-3.9.5-6.6 3.2-7.1 7.1C7.5 11.2 4.8 8.5.9 8 4.8 7.5 7.5 4.8 8 .9Z",
  stop: "M4.5 3.5h7a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1h-7a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1Z",
};

/** A drawing by its name. */
export function icon(name, size = 16) {
  const filled = name in FILLED;
  return drawing(filled ? FILLED[name] : PATHS[name], { size, filled });
}

/** A button that shows a drawing and says its name to everyone. */
export function iconButton(name, label, onclick, props = {}) {
  const { class: more = "", ...rest } = props;
  const named = { type: "button", class: `gmc-icon ${more}`.trim(), "aria-label": label, title: label, onclick };
  return h("button", { ...named, ...rest }, icon(name));
}
