/** Words as HTML. */

const SIGNS = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Plain words as HTML: nothing in them is markup. */
export function escapeText(words) {
  return String(words).replace(/[&<>"']/g, (sign) => SIGNS[sign]);
}

/** The same for words of a Markdown text, whose entities such as `&amp;` the browser is to read. */
export function escapeMarkdown(words) {
  return words.replace(/[<>"']|&(?!(?:#\d{1,7}|#x[\da-f]{1,6}|\w{1,31});)/gi, (sign) => SIGNS[sign]);
}
