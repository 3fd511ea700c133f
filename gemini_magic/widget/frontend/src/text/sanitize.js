/**
 * The only door to HTML in the page, with the narrow list of gemini_magic/display/sanitize.py.
 *
 * Nothing else in the front end may turn text into elements. What comes out runs nothing and fetches nothing.
 */

import createPurifier from "dompurify";

const TAGS = (
  "a blockquote br code div em h1 h2 h3 h4 h5 h6 hr li ol p pre s span strong table tbody td th thead tr ul"
).split(" ");
const CLASS = /^(?:gm-(?:code|math|place|right|center|table|target|source)|hljs|hljs-[a-z_-]{1,30}|language-[\w+#.-]{1,30}|[a-z]+_)$/;
const MATHS_TAGS = (
  "math menclose merror mfrac mi mmultiscripts mn mo mover mpadded mphantom mroot mrow ms mspace msqrt mstyle msub " +
  "msubsup msup mtable mtd mtext mtr munder munderover"
).split(" ");
const MATHS_ATTRIBUTES = (
  "accent accentunder columnalign columnlines columnspacing depth display displaystyle fence form height largeop " +
  "linethickness lspace mathbackground mathcolor mathvariant maxsize minsize movablelimits notation rowlines rowspacing " +
  "rspace scriptlevel separator stretchy symmetric voffset width"
).split(" ");

const COMMON = {
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  ALLOW_UNKNOWN_PROTOCOLS: false,
  RETURN_DOM_FRAGMENT: true,
};
const ANSWER = {
  ...COMMON,
  ALLOWED_TAGS: TAGS,
  ALLOWED_ATTR: ["class", "href", "start"],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ADD_URI_SAFE_ATTR: ["class", "start"],
  ALLOWED_NAMESPACES: ["http://www.w3.org/1999/xhtml"],
};
const MATHS = {
  ...COMMON,
  ALLOWED_TAGS: MATHS_TAGS,
  ALLOWED_ATTR: MATHS_ATTRIBUTES,
  ADD_URI_SAFE_ATTR: MATHS_ATTRIBUTES,
  FORBID_CONTENTS: ["annotation", "annotation-xml", "script", "style"],
};

const purifier = createPurifier(window);
purifier.addHook("uponSanitizeAttribute", (_, attribute) => {
  if (attribute.attrName !== "class") return;
  attribute.attrValue = attribute.attrValue.split(/\s+/).filter((name) => CLASS.test(name)).join(" ");
  attribute.keepAttr = attribute.attrValue !== "";
});

/** A fragment of HTML reduced to what an answer may consist of. */
export function clean(html) {
  return purified(html, ANSWER);
}

/** MathML reduced to signs and their places: no links, no annotations, no styles. */
export function cleanMaths(html) {
  return purified(html, MATHS);
}

/** Plain words, line by line, with nothing read into them. */
export function plain(words) {
  const fragment = document.createDocumentFragment();
  const pre = document.createElement("pre");
  pre.className = "gm-plain";
  pre.textContent = words;
  fragment.append(pre);
  return fragment;
}

function purified(html, rules) {
  if (!purifier.isSupported) return plain(html); // no sanitiser, no HTML
  return purifier.sanitize(html, rules);
}
