// Headings of the model take their place in the page's outline: below the pane's own, and no level is skipped.

const OWN = 2; // the level of the pane's heading

/** Say the level of every heading below `root`, in its order. */
export function outline(root) {
  let last = OWN;
  for (const heading of root.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    last = Math.min(OWN + Number(heading.tagName[1]), last + 1, 6);
    heading.setAttribute("aria-level", String(last));
  }
}
