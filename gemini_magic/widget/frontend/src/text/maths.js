/** Formulas as MathML. The typesetter is large, so it is asked for when a formula first appears. */

import { cleanMaths } from "./sanitize.js";

const LONGEST = 4_000;
const LEAST_WAIT = 10_000; // milliseconds before a typesetter that did not come is asked for again

let load = null; // gives the text of the module
let make = null; // (tex, display) => MathML, once it is here
let asked = null;
let waiting = new Set();

/** Say where the typesetter's module comes from: a function that gives a promise of its text. */
export function setMathsLoader(loader) {
  load = loader;
  asked = null;
}

/** Typeset the formulas below a node, now or when the typesetter is here; until then they stay as they were written. */
export function typeset(root) {
  const formulas = root.querySelectorAll(".gm-math");
  if (!formulas.length) return;
  if (make) {
    formulas.forEach(typesetOne);
  } else if (load) {
    formulas.forEach((formula) => waiting.add(formula));
    asked ??= fetchTypesetter(load);
  }
}

async function fetchTypesetter(loader) {
  try {
    const module = await importText(await loader());
    make = module.default;
    waiting.forEach(typesetOne);
  } catch {
    setTimeout(() => (asked = null), LEAST_WAIT); // formulas stay readable as they are
  }
  waiting = new Set();
}

async function importText(text) {
  const address = URL.createObjectURL?.(new Blob([text], { type: "text/javascript" }));
  try {
    return await import(/* @vite-ignore */ address ?? "");
  } catch {
    return import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(text)}`); // where blobs may not be run
  } finally {
    if (address) URL.revokeObjectURL(address);
  }
}

function typesetOne(formula) {
  const source = formula.textContent;
  const mark = source.startsWith("$$") ? 2 : 1;
  if (source.length > LONGEST) return;
  try {
    const typeset = cleanMaths(make(source.slice(mark, -mark).trim(), mark === 2));
    if (!typeset.querySelector("math")) return;
    formula.title = source;
    formula.replaceChildren(typeset);
  } catch {
    // A formula that cannot be read, or is not whole yet, stays as it was written.
  }
}
