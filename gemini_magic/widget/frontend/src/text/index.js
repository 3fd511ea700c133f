/** Text to safe elements: all that the rest of the front end may know of it. */

export { BlockSplitter } from "./blocks.js";
export { escapeText } from "./escape.js";
export { LiveText } from "./live.js";
export { renderMarkdown } from "./markdown.js";
export { setMathsLoader } from "./maths.js";
