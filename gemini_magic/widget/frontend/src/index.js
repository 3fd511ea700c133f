// The entry for anywidget: one session for each model, and any number of panes on it.

import { createSession } from "./session.js";
import { createPane } from "./ui/pane.js";

/** anywidget calls this once for each model. */
export default function widget() {
  let session = null;
  return {
    initialize({ model }) {
      session = createSession(model);
      return () => session.close();
    },
    render({ model, el }) {
      session ??= createSession(model);
      return createPane(el, session, { height: model.get("height") ?? null });
    },
  };
}
