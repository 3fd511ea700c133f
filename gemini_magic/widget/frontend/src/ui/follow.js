// Staying at the end of a scroller while it grows, until the reader scrolls up.

const NEAR = 24; // pixels from the end that still count as being there

/** Follow the end of `scroller` as `content` grows; `changed(atEnd)` is called when that turns over. */
export function follow(scroller, content, changed) {
  let following = true;
  let top = 0;

  const away = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;

  function be(next) {
    if (next !== following) changed(next);
    following = next;
  }

  function stick() {
    if (!following) return;
    scroller.scrollTop = scroller.scrollHeight;
    top = scroller.scrollTop;
  }

  function scrolled() {
    // Only a move upwards leaves the end: growth between two frames must not be taken for one.
    if (away() <= NEAR) be(true);
    else if (scroller.scrollTop < top - 1) be(false);
    top = scroller.scrollTop;
  }

  scroller.addEventListener("scroll", scrolled, { passive: true });
  const watcher = typeof ResizeObserver === "function" ? new ResizeObserver(stick) : null;
  watcher?.observe(content);
  watcher?.observe(scroller);
  return {
    toEnd() {
      be(true);
      stick();
    },
    close() {
      watcher?.disconnect();
      scroller.removeEventListener("scroll", scrolled);
    },
  };
}
