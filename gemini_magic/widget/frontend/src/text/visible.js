/**
 * Text that shows what it contains: the same as gemini_magic/display/visible.py.
 *
 * A model may write characters that turn the reading direction round or are not seen at all; everything
 * shown goes through here.
 */

const MARK = "\\u0300-\\u036f\\u0483-\\u0489\\u1ab0-\\u1aff\\u1dc0-\\u1dff\\u20d0-\\u20ff\\ufe20-\\ufe2f";
const SUSPECT = new RegExp(
  `[\\0-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad\\u180e\\u200b\\u2028-\\u202e\\u2060-\\u2069\\ufe00-\\ufe0f\\ufeff\\ufff9-\\ufffb` +
    `${MARK}\\ud800-\\udfff\\u{e0000}-\\u{e01ef}]`,
  "u",
);
const SURROGATES = /[\ud800-\udfff]/gu;
const CONTROL = /[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]/g;
const DIRECTION = /[\u202a-\u202e\u2066-\u2069]/g;
const TAGS = /(\u{1f3f4}[\u{e0020}-\u{e007e}]{1,8}\u{e007f})|[\u{e0000}-\u{e007f}]+/gu;
const ZERO_WIDTH = /[\xad\u180e\u200b\u2060-\u2065\ufeff\ufff9-\ufffb]+/g;
const SELECTORS = /([\ufe00-\ufe0f\u{e0100}-\u{e01ef}])[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]+/gu;
const MARKS = new RegExp(`([${MARK}]{8})[${MARK}]+`, "g");

/** Text in which nothing hides: no control characters, direction overrides, hidden letters or piles of marks. */
export function visible(text) {
  if (!SUSPECT.test(text)) return text;
  return text
    .replace(/\r\n/g, "\n")
    .replace(SURROGATES, "\ufffd")
    .replace(CONTROL, picture)
    .replace(DIRECTION, code)
    .replace(TAGS, (all, flag) => flag ?? `[hidden: ${spelled(all)}]`)
    .replace(ZERO_WIDTH, "")
    .replace(SELECTORS, "$1")
    .replace(MARKS, "$1");
}

function code(character) {
  return `[U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`;
}

function picture(character) {
  if (character === "\u2028" || character === "\u2029") return "\n";
  if (character < " ") return String.fromCharCode(0x2400 + character.charCodeAt(0));
  return character === "\x7f" ? "\u2421" : code(character);
}

function spelled(tags) {
  const letters = Array.from(tags, (tag) => String.fromCharCode(tag.codePointAt(0) - 0xe0000)).join("");
  return letters.replace(CONTROL, "");
}
