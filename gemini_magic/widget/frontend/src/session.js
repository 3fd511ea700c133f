// What the panes of one model share: store, line to the kernel, blobs, words, and the end of it all.

import { createBlobs } from "./blobs.js";
import { createLink } from "./protocol.js";
import { createStore } from "./store.js";
import { setMathsLoader } from "./text/index.js";
import { chooseLocale, wordsFor } from "./words.js";

const PROBE = 1500; // milliseconds after a lost connection at which it is asked once whether the kernel is back
// Milliseconds between hellos that nobody answers. The first may leave before the kernel has the thread that listens
// while cells run, and then waits for the cell that runs now.
const KNOCKS = [300, 1000, 2000, 4000];

/** Everything behind the panes of one anywidget model. */
export function createSession(model, { timer = globalThis } = {}) {
  const locale = chooseLocale();
  const store = createStore({ hello: () => link.hello() });
  const link = createLink({
    post: (content, buffers) => model.send(content, undefined, buffers),
    lost: () => ended(),
    locale,
  });
  const blobs = createBlobs(link);
  let probe = null;

  function knock([wait, ...more] = KNOCKS) {
    link.hello();
    if (wait !== undefined)
      probe = timer.setTimeout(() => {
        if (store.get().kernel === "waiting") knock(more);
      }, wait);
  }

  function receive(message, buffers) {
    link.receive(message, buffers);
    store.receive(message, link.view);
  }

  function ended() {
    store.lose();
    link.drop();
  }

  function interrupted() {
    ended();
    timer.clearTimeout(probe);
    probe = timer.setTimeout(() => link.hello(), PROBE);
  }

  const heard = { "msg:custom": receive, comm_live_update: interrupted, "comm:close": ended, destroy: ended };
  for (const [name, listener] of Object.entries(heard)) model.on(name, listener);
  setMathsLoader(async () => (await link.request("module", { name: "maths" })).text);
  knock();

  return {
    store,
    link,
    model,
    locale,
    words: wordsFor(locale),
    blobs,
    close() {
      timer.clearTimeout(probe);
      blobs.close();
      link.drop();
      for (const [name, listener] of Object.entries(heard)) model.off(name, listener);
    },
  };
}
