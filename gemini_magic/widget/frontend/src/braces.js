// Where a `{{name` is being typed, and how a chosen name is put in. Positions for Python count code points.

const OPEN = /\{\{\s*[^{}\n]*$/;

/** Whether the text before the cursor ends inside an open `{{`. */
export function insideBraces(text, cursor) {
  return OPEN.test(text.slice(0, cursor));
}

/** The same place counted in code points. */
export function toPoints(text, at) {
  return [...text.slice(0, at)].length;
}

/** The place in UTF-16 units of a place counted in code points. */
export function fromPoints(text, points) {
  return [...text].slice(0, points).join("").length;
}

/** Text with `name` in place of what was typed from `from` to `cursor`, closed by `}}`, and the new cursor. */
export function putName(text, from, cursor, name) {
  const after = text.slice(cursor);
  const closing = /^\s*\}\}/.exec(after)?.[0] ?? null;
  const head = text.slice(0, from) + name;
  if (closing !== null) return { text: head + after, cursor: head.length + closing.length };
  return { text: `${head}}}${after}`, cursor: head.length + 2 };
}
