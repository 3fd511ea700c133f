// A message on its way to the kernel: until it says yes, nothing is thrown away and nothing goes twice.

import { pack } from "../protocol.js";
import { isBusy } from "../turns.js";

const PATIENCE = 1500; // milliseconds without a word from the kernel after which it is called busy

/** Sends what stands in `area` and `tray`; `changed()` is called when that becomes or stops being possible. */
export function createSender({ store, link, actions }, { area, tray, changed }) {
  let sending = false;
  let silent = false; // sent, and for a while no word from the kernel

  const isThere = () => store.get().ready && store.get().kernel !== "gone";
  const isEmpty = () => area.value.trim() === "" && tray.files().length === 0;

  function be(now, waiting = false) {
    [sending, silent] = [now, waiting];
    changed();
  }

  return {
    isSending: () => sending,
    isSilent: () => silent,
    isOpen: () => isThere() && !sending,
    can: () => isThere() && !sending && !isBusy(store.get()) && !isEmpty(),
    canStop: () => isThere() && store.get().status.state !== "stopping",

    /** Send; a promise of whether the kernel took it. */
    async send() {
      const { described, buffers } = pack(tray.files(), link.binary);
      const fields = { text: area.value.trim(), attachments: described };
      be(true);
      const slow = setTimeout(() => be(true, true), PATIENCE);
      const reply = await actions.request("send", fields, buffers, { refused: ({ bad }) => tray.mark(bad ?? []) });
      clearTimeout(slow);
      be(false);
      return reply !== null;
    },
  };
}
