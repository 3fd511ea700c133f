// Keys in the field where the question is written: Enter sends, Up and Down recall, braces bring in a variable.

import { createRecall } from "../recall.js";
import { questions } from "../turns.js";

const isPlain = (event) => !event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey;

/** Keys that belong to an input method, which composes a character from them. */
const isComposed = (event) => event.isComposing || event.keyCode === 229;

/** Listen to `area`; `put(text)` writes into it. Returns `{openBraces(), forget()}`. */
export function createWriting(area, { store, completion, send, put }) {
  const recall = createRecall(() => questions(store.get()));

  function recalled(text) {
    if (text !== null) put(text);
  }

  const KEYS = {
    Enter: { when: (event) => !event.shiftKey && !event.altKey, act: send },
    ArrowUp: { when: (event) => isPlain(event) && (area.value === "" || recall.holds(area.value)), act: () => recalled(recall.back(area.value)) },
    ArrowDown: { when: (event) => isPlain(event) && recall.holds(area.value), act: () => recalled(recall.forth()) },
  };

  area.addEventListener("keydown", (event) => {
    if (isComposed(event) || completion.key(event)) return;
    const key = KEYS[event.key];
    if (!key?.when(event)) return;
    event.preventDefault();
    key.act();
  });

  return {
    forget: recall.forget,

    openBraces() {
      const { selectionStart: from, selectionEnd: to, value } = area;
      put(`${value.slice(0, from)}{{${value.slice(to)}`);
      area.setSelectionRange(from + 2, from + 2);
      area.focus();
      completion.refresh();
    },
  };
}
