// Earlier questions by Up and Down, with what was being written kept at the end.

/** A walk through `list()`; `back(draft)` and `forth()` give the text to show, or null when there is none. */
export function createRecall(list) {
  let at = null; // null: at the draft
  let kept = "";
  return {
    /** Whether a text shown now is one that was recalled. */
    holds: (text) => at !== null && list()[at] === text,

    back(draft) {
      const all = list();
      if (at === null) [kept, at] = [draft, all.length];
      if (at === 0 || all.length === 0) {
        if (all.length === 0) at = null;
        return null;
      }
      at -= 1;
      return all[at];
    },

    forth() {
      const all = list();
      if (at === null) return null;
      at += 1;
      if (at < all.length) return all[at];
      at = null;
      return kept;
    },

    forget() {
      at = null;
    },
  };
}
