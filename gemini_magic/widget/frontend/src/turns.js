// Questions about turns that need no DOM: their text, whether two are shown alike, what was asked before.

/** The text of parts, as one would copy it. */
export function textOf(parts) {
  const pieces = parts.filter((part) => ["text", "code", "run"].includes(part.kind)).map((part) => {
    if (part.kind === "text") return part.text;
    if (part.kind === "run") return "\n\n";
    return `\n\n\`\`\`${part.language || ""}\n${part.text}\n\`\`\`\n\n`;
  });
  return pieces.join("").trim();
}

/** What the person typed in a turn. */
export function questionOf(view) {
  return view.source ?? textOf(view.prompt);
}

/** A string that is the same for two views of a turn that look the same. */
export function looks(view) {
  return JSON.stringify(view);
}

/** The questions asked so far, the latest last, none twice in a row. */
export function questions(state) {
  const asked = [...state.turns, ...(state.live ? [state.live] : [])].map(questionOf).filter((text) => text !== "");
  return asked.filter((text, place) => text !== asked[place - 1]);
}

/** The turns around the live one: `[before, after]`; the one whose place it takes is in neither. */
export function around(state) {
  const { live } = state;
  if (!live) return [state.turns, []];
  const others = state.turns.filter((view) => view.turn !== live.replaces);
  const place = live.replaces === null ? others.length : Math.min(live.number - 1, others.length);
  return [others.slice(0, place), others.slice(place)];
}

/** Whether something is being answered. */
export function isBusy(state) {
  return state.status.state !== "idle" || state.live !== null;
}

/** What is shown, as Markdown: for the moment when no kernel is there to write a better one. */
export function asMarkdown(state) {
  const blocks = [...state.turns, ...(state.live ? [{ ...state.live, answer: state.live.parts }] : [])].map((view) => {
    return `**You**\n\n${questionOf(view)}\n\n**${view.model || "Gemini"}**\n\n${textOf(view.answer)}\n`;
  });
  return blocks.join("\n---\n\n");
}
