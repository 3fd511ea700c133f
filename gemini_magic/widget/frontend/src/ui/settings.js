// The settings panel: only what is set is sent, and everything can be taken back.

import { h, uniqueId } from "./dom.js";
import { number, row, slider, text } from "./fields.js";
import { modelControl } from "./model.js";
import { thinkingControl } from "./thinking.js";

const TOOLS = { google_search: "toolSearch", url_context: "toolUrl", code_execution: "toolCode" };

/** The panel: `{element, id, update(state), focus()}`; folded until `element.hidden` is taken off. */
export function createSettings({ words, store, link, actions }) {
  const id = uniqueId("settings");
  const pending = new Map(); // what was set here, until the kernel has taken it: its word on it may be older

  async function tell(name, value) {
    const mine = { value };
    pending.set(name, mine);
    show(store.get().settings);
    await actions.request("set", { settings: { [name]: value } });
    if (pending.get(name) !== mine) return;
    pending.delete(name);
    show(store.get().settings);
  }

  const change = (name) => ({ set: (value) => tell(name, value), unset: () => tell(name, null) });
  const common = { words, store, link };

  const model = modelControl({ ...common, ...change("model") });
  const controls = {
    model: ["model", model],
    temperature: ["temperature", slider({ min: 0, max: 2, step: 0.05, words, ...change("temperature") })],
    top_p: ["topP", slider({ min: 0, max: 1, step: 0.01, words, ...change("top_p") })],
    thinking: ["thinkingField", thinkingControl({ words, ...change("thinking") })],
    max_output_tokens: ["maxTokens", number({ min: 1, words, unit: words("tokens"), ...change("max_output_tokens") })],
    system: ["system", text({ placeholder: words("systemHint"), ...change("system") })],
  };
  const rows = Object.entries(controls).map(([name, [key, control]]) => {
    return [name, row(words(key), control, { words, unset: change(name).unset })];
  });
  const tools = toolBoxes(words, change("tools"));
  const fields = h("div", { class: "gmc-fields" }, rows.map(([, { element }]) => element), tools.element);
  const element = h("section", { class: "gmc-settings", id, "aria-label": words("settings"), hidden: true }, fields);

  function show(told) {
    const wanted = [...pending].map(([name, { value }]) => [name, value]);
    const settings = { ...told, ...Object.fromEntries(wanted) };
    for (const [name, field] of rows) field.show(settings[name] ?? undefined);
    const topP = rows.find(([name]) => name === "top_p")[1];
    topP.element.hidden = settings.top_p === undefined || settings.top_p === null;
    tools.show(settings.tools ?? []);
  }

  return { element, id, focus: () => model.input.focus(), update: ({ settings }) => show(settings) };
}

function toolBoxes(words, { set, unset }) {
  const boxes = Object.entries(TOOLS).map(([name, key]) => [name, h("input", { type: "checkbox", onchange: send }), key]);
  let others = []; // tools this panel has no box for stay as they are

  function send() {
    const chosen = [...others, ...boxes.filter(([, box]) => box.checked).map(([name]) => name)];
    if (chosen.length > 0) set(chosen);
    else unset();
  }

  const labels = boxes.map(([, box, key]) => h("label", { class: "gmc-check" }, box, words(key)));
  const element = h("fieldset", { class: "gmc-field gmc-tools-field" }, h("legend", {}, words("tools")), h("div", { class: "gmc-checks" }, labels));
  return {
    element,
    show(tools) {
      others = tools.filter((name) => !(name in TOOLS));
      for (const [name, box] of boxes) box.checked = tools.includes(name);
      element.classList.toggle("gmc-set", tools.length > 0);
    },
  };
}
