import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { byLabel, byText, open, press, settled, stateOf, turnOf, type } from "./fakes.js";

let made;

beforeEach(() => {
  URL.createObjectURL = () => "blob:here";
  URL.revokeObjectURL = () => {};
});

afterEach(() => made?.close());

async function shown(state = {}, answer = {}) {
  made = await open({ state: stateOf(state), answer });
  return made;
}

const change = (input, value, name = "change") => {
  input.value = value;
  input.dispatchEvent(new Event(name, { bubbles: true }));
};
const field = (pane, label) => pane.querySelector(`#${[...pane.querySelectorAll("label")].find((node) => node.textContent === label).htmlFor}`);
const sets = (model) => model.of("set").map(({ settings }) => settings);

describe("settings", () => {
  test("are folded until asked for, and folded again by Escape", async () => {
    const { pane } = await shown();
    const panel = pane.querySelector(".gmc-settings");
    const button = pane.querySelector(".gmc-icon[aria-controls]");
    expect([panel.hidden, button.getAttribute("aria-expanded")]).toEqual([true, "false"]);
    button.click();
    expect([panel.hidden, button.getAttribute("aria-expanded")]).toEqual([false, "true"]);
    expect(document.activeElement).toBe(field(pane, "Model"));
    press(field(pane, "Answer limit"), "Escape");
    expect(panel.hidden).toBe(true);
    expect(document.activeElement).toBe(button);
  });

  test("each sends itself alone", async () => {
    const { model, pane } = await shown();
    change(field(pane, "Temperature"), "0.4");
    change(field(pane, "Thinking"), "low");
    change(field(pane, "Answer limit"), "500");
    change(field(pane, "System instruction"), "Be brief");
    byText(pane, "label", "Google Search").querySelector("input").click();
    expect(sets(model)).toEqual([{ temperature: 0.4 }, { thinking: "low" }, { max_output_tokens: 500 }, { system: "Be brief" }, { tools: ["google_search"] }]);
  });

  test("each can be taken back", async () => {
    const settings = { model: "m", temperature: 1, thinking: 512, max_output_tokens: 9, system: "s", tools: ["code_execution"], top_p: 0.5 };
    const { model, pane } = await shown({ settings });
    const backs = [...pane.querySelectorAll(".gmc-unset")];
    expect(backs.every((back) => !back.hidden)).toBe(true);
    for (const back of backs) back.click();
    byText(pane, "label", "Run code").querySelector("input").click();
    expect(sets(model)).toEqual([..."model temperature top_p thinking max_output_tokens system tools".split(" ")].map((name) => ({ [name]: null })));
  });

  test("show what holds, and what is not set", async () => {
    const { model, pane } = await shown({ settings: { thinking: 512 } });
    expect(field(pane, "Temperature").getAttribute("aria-valuetext")).toBe("not set");
    expect([field(pane, "Thinking").value, byLabel(pane, "Budget").value]).toEqual(["budget", "512"]);
    model.push({ type: "settings", settings: { temperature: 0.4 } });
    expect(field(pane, "Temperature").getAttribute("aria-valuetext")).toBe("0.4");
    expect([field(pane, "Thinking").value, byLabel(pane, "Budget").hidden]).toEqual(["", true]);
    expect(field(pane, "Model").placeholder).toBe("gemini-2.5-flash");
  });

  test("a field that is being typed in is not written over", async () => {
    const { model, pane } = await shown();
    pane.querySelector(".gmc-model").click();
    const system = field(pane, "System instruction");
    system.focus();
    system.value = "Be br";
    model.push({ type: "settings", settings: { system: "older" } });
    expect(system.value).toBe("Be br");
  });

  test("a field that is being typed in is not emptied when something else was set", async () => {
    const { model, pane } = await shown();
    pane.querySelector(".gmc-model").click();
    const system = field(pane, "System instruction");
    system.focus();
    system.value = "Be br";
    model.push({ type: "settings", settings: { temperature: 1 } });
    expect(system.value).toBe("Be br");
    change(system, "Be brief");
    pane.querySelector(".gmc-set textarea").closest(".gmc-field").querySelector(".gmc-unset").click();
    expect(system.value).toBe("");
  });

  test("what was set here is not undone by an older word of the kernel, nor lost when more is set", async () => {
    const { model, pane } = await shown();
    const [search, url] = ["Google Search", "Read web pages"].map((name) => byText(pane, "label", name).querySelector("input"));
    search.click();
    model.push({ type: "settings", settings: { temperature: 1 } });
    expect(search.checked).toBe(true);
    url.click();
    expect(sets(model)).toEqual([{ tools: ["google_search"] }, { tools: ["google_search", "url_context"] }]);
    model.push({ type: "settings", settings: { tools: ["google_search"] } });
    expect(url.checked).toBe(true);
  });

  test("what the kernel refuses is taken back", async () => {
    const { model, pane } = await shown({}, { set: () => ({ reply: { error: "Not so long." } }) });
    change(field(pane, "Answer limit"), "500");
    expect(pane.querySelector(".gmc-set input").value).toBe("500");
    model.push({ type: "settings", settings: {} });
    await settled();
    expect(pane.querySelector(".gmc-set")).toBe(null);
    expect(field(pane, "Answer limit").value).toBe("");
    expect(pane.querySelector(".gmc-notice-error").textContent).toContain("Not so long.");
  });

  test("tools without a box stay when a box is ticked", async () => {
    const { model, pane } = await shown({ settings: { tools: ["tomorrow"] } });
    byText(pane, "label", "Google Search").querySelector("input").click();
    expect(sets(model)).toEqual([{ tools: ["tomorrow", "google_search"] }]);
  });
});

describe("the model field", () => {
  const models = [{ name: "flash", label: "Flash" }, { name: "pro", label: "Pro" }];

  test("asks once for the list, narrows it, and takes a choice", async () => {
    const { model, pane } = await shown({}, { models: () => ({ reply: { models } }) });
    pane.querySelector(".gmc-model").click();
    const input = field(pane, "Model");
    input.click();
    await settled();
    const options = () => [...pane.querySelectorAll(".gmc-combobox [role=option]")];
    expect(options()).toHaveLength(2);
    expect(input.getAttribute("aria-expanded")).toBe("true");
    input.value = "pr";
    input.dispatchEvent(new Event("input"));
    await settled();
    expect(options().map((option) => option.textContent)).toEqual(["proPro"]);
    press(input, "Enter");
    expect(model.of("models")).toHaveLength(1);
    expect(sets(model)).toEqual([{ model: "pro" }]);
  });

  test("takes a name that no list holds", async () => {
    const { model, pane } = await shown({}, { models: () => ({ reply: { error: "The gateway lists none." } }) });
    pane.querySelector(".gmc-model").click();
    const input = field(pane, "Model");
    type(input, "my-own");
    await settled();
    press(input, "Escape");
    press(input, "Enter");
    expect(sets(model)).toEqual([{ model: "my-own" }]);
  });
});

describe("the menu", () => {
  const turns = [turnOf(1), turnOf(2)];
  const item = (pane, text) => byText(pane, "[role=menuitem]", text);
  const openMenu = (pane) => pane.querySelector("[aria-haspopup=menu]").click();

  test("is walked by arrow keys and left by Escape", async () => {
    const { pane } = await shown({ turns });
    openMenu(pane);
    expect(document.activeElement).toBe(item(pane, "Undo the last turn"));
    press(document.activeElement, "ArrowDown");
    expect(document.activeElement).toBe(item(pane, "Fork this conversation"));
    press(document.activeElement, "End");
    expect(document.activeElement).toBe(item(pane, "Clear the conversation"));
    press(document.activeElement, "Escape");
    expect(pane.querySelector("[role=menu]").hidden).toBe(true);
    expect(document.activeElement).toBe(pane.querySelector("[aria-haspopup=menu]"));
  });

  test("offers only what can be done", async () => {
    const { pane } = await shown();
    openMenu(pane);
    const usable = [...pane.querySelectorAll("[role=menuitem]")].filter((node) => !node.disabled).map((node) => node.textContent);
    expect(usable).toEqual(["Load a conversation …"]);
  });

  test("clearing asks first", async () => {
    const { model, pane } = await shown({ turns });
    openMenu(pane);
    item(pane, "Clear the conversation").click();
    expect(pane.querySelector("[role=alertdialog]").textContent).toContain("2 turns");
    press(document.activeElement, "Escape");
    await settled();
    expect(model.of("clear")).toEqual([]);
    openMenu(pane);
    item(pane, "Clear the conversation").click();
    byText(pane, "button", "Clear").click();
    await settled();
    expect(model.of("clear")).toHaveLength(1);
    expect(pane.querySelector("[role=alertdialog]")).toBe(null);
  });

  test("undo, fork and export go to the kernel, and an export is saved", async () => {
    const saved = [];
    HTMLAnchorElement.prototype.click = function click() {
      saved.push(this.download);
    };
    const answer = { fork: () => ({ reply: { name: "main-2" } }), export: ({ format }) => ({ reply: { name: `main.${format}`, mime: "text/plain", text: "x" } }) };
    const { model, pane } = await shown({ turns }, answer);
    for (const text of ["Undo the last turn", "Fork this conversation", "Export as Markdown", "Export as notebook"]) {
      openMenu(pane);
      item(pane, text).click();
    }
    await settled();
    delete HTMLAnchorElement.prototype.click;
    expect(model.of("undo")).toHaveLength(1);
    expect(model.of("fork")).toMatchObject([{ turn: "t2" }]);
    expect(saved).toEqual(["main.md", "main.ipynb"]);
    expect(pane.querySelector(".gmc-notice-lines").textContent).toContain("main-2");
  });
});

describe("editing a question", () => {
  test("sends the new text, and Escape leaves the old one", async () => {
    const { model, pane } = await shown({ turns: [turnOf(1, "old")] }, { edit: () => ({ reply: { ok: true } }) });
    const button = byLabel(pane, "Edit and ask again");
    button.click();
    press(document.activeElement, "Escape");
    expect(pane.querySelector(".gmc-bubble").textContent).toBe("old");
    expect(document.activeElement).toBe(button);
    button.click();
    type(document.activeElement, "new");
    press(document.activeElement, "Enter");
    await settled();
    expect(model.of("edit")).toMatchObject([{ turn: "t1", text: "new" }]);
  });

  test("a refusal leaves the box open with the text", async () => {
    const { pane } = await shown({ turns: [turnOf(1, "old")] }, { edit: () => ({ reply: { error: "Busy." } }) });
    byLabel(pane, "Edit and ask again").click();
    type(document.activeElement, "new");
    press(document.activeElement, "Enter");
    await settled();
    expect(pane.querySelector(".gmc-edit textarea").value).toBe("new");
    expect(byText(pane, "button", "Ask again").disabled).toBe(false);
  });
});
