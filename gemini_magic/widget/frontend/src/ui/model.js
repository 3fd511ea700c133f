// The model by name: a combobox over what the kernel lists, in which any other name may be typed.

import { h } from "./dom.js";
import { createPopup } from "./popup.js";

const SHOWN = 60;

/** The models that a typed text may mean: all for an empty one, those that begin with it before those that hold it. */
export function matching(models, typed) {
  const wanted = typed.trim().toLowerCase();
  const rank = ({ name, label }) => {
    if (wanted === "" || name.toLowerCase().startsWith(wanted)) return 0;
    return `${name} ${label ?? ""}`.toLowerCase().includes(wanted) ? 1 : 2;
  };
  const ranked = models.map((model) => [rank(model), model]).filter(([place]) => place < 2);
  return ranked.sort(([one], [other]) => one - other).map(([, model]) => model);
}

/** The combobox. */
export function modelControl({ words, store, link, set, unset }) {
  const input = h("input", { type: "text", role: "combobox", "aria-haspopup": "listbox", autocomplete: "off", spellcheck: "false" });
  const popup = createPopup(input, { label: words("modelsList"), choose: (item) => take(item.value), keys: ["Enter"], empty: words("modelsNone") });
  let shown = "";
  let asked = false;

  function take(name) {
    popup.close();
    input.value = name;
    send();
  }

  function send() {
    const name = input.value.trim();
    if (name === shown) return;
    shown = name;
    if (name === "") unset();
    else set(name);
  }

  function offer(typed) {
    const models = store.get().models;
    if (models === null) return;
    const found = matching(models, typed).slice(0, SHOWN);
    const items = found.map(({ name, label }) => ({ value: name, label: name, note: label && label !== name ? label : "" }));
    if (items.length > 0 || models.length === 0) popup.show(items, items.findIndex((item) => item.value === shown));
    else popup.close();
  }

  async function fetchModels() {
    if (asked || store.get().models?.length) return;
    asked = true;
    try {
      store.listModels((await link.request("models")).models);
    } catch {
      store.listModels([]);
    } finally {
      asked = false;
    }
  }

  async function open() {
    await fetchModels();
    if (input === input.getRootNode().activeElement) offer("");
  }

  input.addEventListener("focus", () => input.select());
  input.addEventListener("click", open);
  input.addEventListener("input", async () => {
    await fetchModels();
    offer(input.value);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || popup.key(event)) return;
    if (event.key === "ArrowDown") open();
    else if (event.key === "Enter") send();
    else return;
    event.preventDefault();
  });
  input.addEventListener("blur", () => {
    popup.close();
    send();
  });
  return {
    input,
    element: h("span", { class: "gmc-combobox" }, input, popup.element),
    show(value) {
      shown = value ?? "";
      input.value = shown;
      input.placeholder = store.get().profile?.model || words("notSet");
    },
  };
}
