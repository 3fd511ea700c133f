// The question whether a call may run, between log and composer: seen wherever the log stands, and answered once.

import { fill, h, uniqueId } from "./dom.js";
import { icon } from "./icons.js";
import { keepReachable } from "./reach.js";

const SOON = 400; // milliseconds in which a click would have been meant for the question before

/** The place for the question: `{element, update(state), close()}`. */
export function createApproval({ words, link, focusComposer, isComposerFree }) {
  const title = uniqueId("leave");
  const element = h("div", { class: "gmc-approval", role: "group", "aria-labelledby": title, tabindex: "-1", hidden: true });
  const endReach = keepReachable(element);
  let shown = null; // what is asked; another question is another object

  function enable(on) {
    for (const button of element.querySelectorAll("button")) button.disabled = !on;
  }

  function button(leave, turn, { number, name }) {
    const decide = () => {
      element.focus(); // a button that is disabled loses the keyboard
      enable(false);
      link.tell("decide", { turn, number, leave });
    };
    const props = { type: "button", class: leave === "run" ? "gmc-button gmc-primary" : "gmc-button", onclick: decide, disabled: true };
    return h("button", { ...props, title: leave === "all" ? words("leaveAll", name) : null }, words(`leave_${leave}`));
  }

  function draw(turn, asked) {
    const { name, args, description, behind } = asked;
    const buttons = ["run", "all", "deny"].map((leave) => button(leave, turn, asked));
    fill(
      element,
      h("div", { class: "gmc-approval-head", id: title }, icon("warning"), h("span", {}, words("leaveAsked", name))),
      description ? h("p", { class: "gmc-note" }, description) : null,
      h("pre", { class: "gmc-output", tabindex: "0" }, args), // taken off again where nothing has to be scrolled
      h("div", { class: "gmc-approval-row" }, buttons, behind ? h("span", { class: "gmc-note" }, words("leaveBehind", behind)) : null),
    );
    setTimeout(() => enable(shown === asked), SOON);
  }

  return {
    element,

    update({ live, kernel }) {
      const asked = kernel === "gone" ? null : (live?.approval ?? null);
      if (asked === shown) return;
      // The keyboard comes along only where nobody writes, and onto no button: a key on its way decides nothing.
      const isOurs = element.contains(element.getRootNode().activeElement);
      shown = asked;
      element.hidden = !asked;
      if (asked) draw(live.turn, asked);
      else fill(element);
      if (asked && (isOurs || isComposerFree())) element.focus();
      else if (isOurs) focusComposer();
    },

    close: endReach,
  };
}
