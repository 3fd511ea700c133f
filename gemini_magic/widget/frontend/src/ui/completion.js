// Names of the notebook's variables, offered after `{{`.

import { fromPoints, insideBraces, putName, toPoints } from "../braces.js";
import { createPopup } from "./popup.js";

/** Completion for a textarea: `{element, key(event), refresh(), close()}`. */
export function createCompletion(area, { words, link }, changed) {
  let asked = 0;
  let place = null; // what the names shown belong to: {from, cursor, text}
  const popup = createPopup(area, { label: words("variables"), choose: take, empty: words("noVariables") });

  function take(item) {
    const put = putName(place.text, place.from, place.cursor, item.value);
    close();
    area.value = put.text;
    area.setSelectionRange(put.cursor, put.cursor);
    area.focus();
    changed();
  }

  function close() {
    asked += 1;
    popup.close();
  }

  async function refresh() {
    const { value: text, selectionStart: cursor } = area;
    asked += 1;
    if (cursor !== area.selectionEnd || !insideBraces(text, cursor)) return popup.close();
    const mine = asked;
    try {
      const reply = await link.request("complete", { text, cursor: toPoints(text, cursor) });
      if (mine !== asked || area.value !== text) return undefined;
      place = { text, cursor, from: fromPoints(text, reply.from) };
      popup.show(reply.names.map(({ name, kind, shown }) => ({ value: name, label: name, note: [kind, shown].filter(Boolean).join(" · ") })));
    } catch {
      if (mine === asked) popup.close();
    }
    return undefined;
  }

  area.addEventListener("blur", close);
  return { element: popup.element, key: popup.key, refresh, close };
}
