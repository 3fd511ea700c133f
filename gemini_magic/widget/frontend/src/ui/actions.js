// What the person can do, each as one call; failures become a line in the pane.

import { pack, Gone } from "../protocol.js";
import { typeOf } from "./intake.js";
import { chooseFiles, saveText } from "./notebook.js";

/** The actions of a pane; `confirm(text, yes)` asks before something is lost. */
export function createActions({ words, store, link }, { confirm, start }) {
  /** Ask the kernel; the reply, or null after having said why there is none. */
  async function request(type, fields, buffers, { refused = () => {} } = {}) {
    try {
      return await link.request(type, fields, buffers);
    } catch (error) {
      if (error.reply) refused(error.reply);
      if (!(error instanceof Gone)) store.notify("error", error.message || words("requestFailed"));
      return null;
    }
  }

  function turnsInWords() {
    const count = store.get().turns.length;
    return count === 1 ? words("turnOne") : words("turns", count);
  }

  return {
    request,
    start,
    tell: link.tell,
    stop: () => link.tell("stop"),
    edit: async (turn, text) => (await request("edit", { turn, text })) !== null,

    async fork(turn) {
      const reply = await request("fork", { turn });
      if (reply) store.notify("info", words("forked", reply.name));
    },

    async clear() {
      if (await confirm(words("clearAsk", turnsInWords()), words("clearYes"))) link.tell("clear");
    },

    async export(format) {
      const reply = await request("export", { format });
      if (reply) saveText(reply.name, reply.mime, reply.text);
    },

    async restore() {
      if (await request("load")) store.notify("info", words("restored"));
    },

    async load() {
      const [file] = await chooseFiles({ accept: ".json,.md,.ipynb,.txt", multiple: false });
      if (!file) return;
      const bytes = new Uint8Array(await file.arrayBuffer());
      const { described, buffers } = pack([{ name: file.name, mime: typeOf(file), bytes }], link.binary);
      if (await request("load", described[0], buffers)) store.notify("info", words("loaded", file.name));
    },
  };
}
