// How much the model thinks: a level, or a budget of tokens.

import { h } from "./dom.js";

const LEVELS = ["off", "minimal", "low", "medium", "high"];
const FIRST_BUDGET = 1024;

/** A select with the levels, and a number beside it when a budget was chosen. */
export function thinkingControl({ words, set, unset }) {
  const names = { "": "notSet", off: "thinkOff", minimal: "thinkMinimal", low: "thinkLow", medium: "thinkMedium", high: "thinkHigh", budget: "thinkBudget" };
  const select = h("select", {}, Object.entries(names).map(([value, key]) => h("option", { value }, words(key))));
  const budget = h("input", { type: "number", min: -1, step: 1, "aria-label": words("thinkBudget"), hidden: true });

  function sendBudget() {
    const tokens = Number.parseInt(budget.value, 10);
    if (Number.isFinite(tokens)) set(tokens);
  }

  select.addEventListener("change", () => {
    budget.hidden = select.value !== "budget";
    if (select.value === "") unset();
    else if (LEVELS.includes(select.value)) set(select.value);
    else {
      budget.value = FIRST_BUDGET;
      sendBudget();
    }
  });
  budget.addEventListener("change", sendBudget);
  return {
    input: select,
    element: h("span", { class: "gmc-number" }, select, budget),
    always: true,
    show(value) {
      const isBudget = typeof value === "number";
      select.value = isBudget ? "budget" : (value ?? "");
      budget.hidden = !isBudget;
      if (isBudget && budget !== budget.getRootNode().activeElement) budget.value = value;
    },
  };
}
