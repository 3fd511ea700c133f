// What scrolls inside a message (wide tables, long code) can be reached by Tab, and only that.

const SCROLLERS = ".gmc-markdown table, pre, .gmc-bubble .gmc-plain";
const REST = 250; // milliseconds between two looks

function mark(root) {
  const found = [...root.querySelectorAll(SCROLLERS)];
  const overflows = found.map((node) => node.scrollWidth > node.clientWidth + 1 || node.scrollHeight > node.clientHeight + 1);
  found.forEach((node, place) => {
    if (overflows[place] === node.hasAttribute("tabindex")) return;
    if (overflows[place]) node.tabIndex = 0;
    else node.removeAttribute("tabindex");
  });
}

/** Look again whenever `root` changes its size; returns what ends it. */
export function keepReachable(root) {
  if (typeof ResizeObserver !== "function") return () => {};
  let timer = null;
  const watcher = new ResizeObserver(() => {
    timer ??= setTimeout(() => {
      timer = null;
      mark(root);
    }, REST);
  });
  watcher.observe(root);
  return () => {
    clearTimeout(timer);
    watcher.disconnect();
  };
}
