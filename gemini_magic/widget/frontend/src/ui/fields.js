// The rows of the settings panel: a label, a control, and a way back to the default.

import { h, uniqueId } from "./dom.js";
import { iconButton } from "./icons.js";

/**
 * One row around a control that has `element`, `show(value)`; `value` is undefined where nothing is set.
 * `unset()` is called by the button that is there while something is set.
 */
export function row(label, control, { words, unset }) {
  const id = uniqueId("field");
  control.input.id = id;
  const back = iconButton("close", words("unset", label), unset, { class: "gmc-unset gmc-needs-kernel" });
  const element = h("div", { class: "gmc-field" }, h("label", { for: id }, label), h("div", { class: "gmc-control" }, control.element, back));
  let shown; // what holds, as far as it was shown
  return {
    element,
    show(value) {
      const isTakenAway = value === undefined && shown !== undefined;
      shown = value;
      back.hidden = value === undefined;
      element.classList.toggle("gmc-set", value !== undefined);
      const isInUse = element.contains(element.getRootNode().activeElement) && !control.always;
      if (!isInUse || isTakenAway) control.show(value);
    },
  };
}

/** A slider that says "not set" until it is moved. */
export function slider({ min, max, step, words, set }) {
  const input = h("input", { type: "range", min, max, step });
  const output = h("output", { class: "gmc-value" });
  const tell = (value) => {
    output.textContent = value === undefined ? words("notSet") : String(value);
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => tell(Number(input.value)));
  input.addEventListener("change", () => set(Number(input.value)));
  return {
    input,
    element: h("span", { class: "gmc-slider" }, input, output),
    always: true,
    show(value) {
      input.value = value ?? (min + max) / 2;
      input.classList.toggle("gmc-off", value === undefined);
      tell(value);
    },
  };
}

/** A whole number that may be left empty. */
export function number({ min, words, unit, set, unset }) {
  const input = h("input", { type: "number", min, step: 1, placeholder: words("notSet"), inputmode: "numeric" });
  input.addEventListener("change", () => {
    const value = Number.parseInt(input.value, 10);
    if (Number.isFinite(value) && value >= min) set(value);
    else unset();
  });
  const element = h("span", { class: "gmc-number" }, input, unit ? h("span", { class: "gmc-note" }, unit) : null);
  return { input, element, show: (value) => (input.value = value ?? "") };
}

/** A text of several lines, sent when the person leaves it. */
export function text({ placeholder, set, unset }) {
  const input = h("textarea", { class: "gmc-area gmc-system", rows: 3, placeholder });
  let shown = "";
  input.addEventListener("change", () => {
    if (input.value === shown) return;
    shown = input.value;
    if (shown.trim() === "") unset();
    else set(shown);
  });
  return {
    input,
    element: input,
    show(value) {
      shown = value ?? "";
      input.value = shown;
    },
  };
}
