// Keys pressed in the pane stay in the pane: the notebook's single-letter commands must not see them.

const SUPPRESS = "data-lm-suppress-shortcuts"; // what JupyterLab's command registry looks for on the way up

/** Whether a key is for the notebook around the pane: saving, the palette. */
function isForOutside(event) {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return false;
  return event.key.toLowerCase() === "s" || (event.shiftKey && event.key.toLowerCase() === "c");
}

/** Keep keys inside `root`; returns what ends it. */
export function keepKeys(root) {
  // Some versions listen on the document before any element does, so the mark has to be there earlier still.
  const before = (event) => {
    if (event.composedPath().includes(root)) root.toggleAttribute(SUPPRESS, !isForOutside(event));
  };
  const after = (event) => {
    if (!isForOutside(event)) event.stopPropagation();
  };
  window.addEventListener("keydown", before, { capture: true });
  for (const name of ["keydown", "keypress", "keyup"]) root.addEventListener(name, after);
  return () => window.removeEventListener("keydown", before, { capture: true });
}
