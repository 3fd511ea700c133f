/** The typesetter, a bundle of its own: static/maths.js. */

import katex from "katex";

const OPTIONS = { output: "mathml", throwOnError: true, trust: false, strict: "ignore", maxExpand: 200, maxSize: 20 };

/** MathML of a formula; throws when the formula cannot be read. */
export default function mathML(tex, display) {
  return katex.renderToString(tex, { ...OPTIONS, displayMode: display });
}
