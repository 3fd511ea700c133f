// The answer that is being written: pieces that come in, joined to the parts they belong to.

const GROWING = new Set(["text", "thought"]);

/** The live turn as the store keeps it; `since` is when the question went out, on this page's clock. */
export function openLive(given, time) {
  return {
    turn: given.turn,
    number: given.number ?? null,
    prompt: given.prompt ?? [],
    source: given.source ?? null,
    replaces: given.replaces ?? null,
    parts: given.parts ?? [],
    model: given.model ?? "",
    state: given.state ?? "waiting",
    since: time - 1000 * (given.seconds ?? 0),
    approval: given.approval ?? null, // the call that waits for leave
    n: given.n ?? null, // null: not known, the next one is taken as it comes
  };
}

/** Whether a piece goes on where the part before it ended. */
export function continues(before, piece) {
  return before !== undefined && before.kind === piece.kind && GROWING.has(piece.kind);
}

/** Where the same call of a function stands already, or -1. */
function placeOf(parts, { call }) {
  return call === undefined ? -1 : parts.findIndex((part) => part.call === call);
}

/** The parts of a final view, those that only name what was streamed filled in; null when it is not here. */
export function withKept(parts, streamed) {
  const filled = parts.map(({ kept, ...part }) => {
    if (kept === undefined) return part;
    const there = streamed?.[kept];
    return there?.kind === part.kind ? { ...there, ...part } : null;
  });
  return filled.includes(null) ? null : filled;
}

/** A live turn with more pieces. */
export function addPieces(live, pieces) {
  const parts = [...live.parts];
  for (const piece of pieces) {
    const before = parts.at(-1);
    const place = placeOf(parts, piece);
    if (place >= 0) parts[place] = piece;
    else if (continues(before, piece)) parts[parts.length - 1] = { ...before, ...piece, text: before.text + piece.text };
    else parts.push(piece);
  }
  return { ...live, parts };
}
