import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { byLabel, open, press, settled, stateOf, turnOf, type } from "./fakes.js";

const OK = { send: () => ({ reply: { ok: true } }) };
let made;
let counted = 0;

beforeEach(() => {
  URL.createObjectURL = () => `blob:${(counted += 1)}`;
  URL.revokeObjectURL = () => {};
});

afterEach(() => made?.close());

async function compose(given = {}) {
  made = await open({ answer: OK, ...given });
  return { ...made, area: made.pane.querySelector(".gmc-composer textarea") };
}

function bring(target, name, transfer) {
  const event = new Event(name, { bubbles: true, cancelable: true });
  Object.assign(event, name === "paste" ? { clipboardData: transfer } : { dataTransfer: transfer });
  target.dispatchEvent(event);
  return event;
}

const file = (name, mime, bytes) => new File([new Uint8Array(bytes)], name, { type: mime });
const chips = (pane) => [...pane.querySelectorAll(".gmc-tray .gmc-chip")].map((chip) => chip.textContent);

describe("sending", () => {
  test("Enter sends and empties the field, Shift+Enter does not", async () => {
    const { model, area } = await compose();
    type(area, "Hello");
    expect(press(area, "Enter", { shiftKey: true }).defaultPrevented).toBe(false);
    expect(model.of("send")).toEqual([]);
    expect(press(area, "Enter").defaultPrevented).toBe(true);
    await settled();
    expect(model.of("send")).toMatchObject([{ text: "Hello", attachments: [], buffers: [] }]);
    expect(area.value).toBe("");
  });

  test("Enter that ends a composition of an input method sends nothing", async () => {
    const { model, area } = await compose();
    type(area, "ni hao");
    press(area, "Enter", { isComposing: true });
    press(area, "Enter", { keyCode: 229 });
    expect(model.of("send")).toEqual([]);
  });

  test("a refusal keeps the draft and is said", async () => {
    const { pane, area } = await compose({ answer: { send: () => ({ reply: { error: "An answer is being written." } }) } });
    type(area, "Hello");
    press(area, "Enter");
    await settled();
    expect(area.value).toBe("Hello");
    expect(area.readOnly).toBe(false);
    expect(pane.querySelector(".gmc-notice-error").textContent).toContain("An answer is being written.");
  });

  test("a refusal of files shows which of them", async () => {
    const { pane, area } = await compose({ answer: { send: () => ({ reply: { error: "b.txt is bad.", bad: [1] } }) } });
    bring(area, "paste", { files: [file("a.txt", "text/plain", [1]), file("b.txt", "text/plain", [2])] });
    await settled();
    press(area, "Enter");
    await settled();
    expect([...pane.querySelectorAll(".gmc-chip-bad")].map((chip) => chip.textContent)).toEqual(["b.txt1 B"]);
  });

  test("a picture that the browser cannot draw is shown as a file", async () => {
    const { pane, area } = await compose();
    bring(area, "paste", { files: [file("bad.png", "image/png", [1])] });
    await settled();
    pane.querySelector(".gmc-chip img").dispatchEvent(new Event("error"));
    expect(pane.querySelector(".gmc-chip").firstElementChild.localName).toBe("svg");
  });

  test("a text that was not asked after all comes back into an empty field", async () => {
    const { model, area } = await compose({ state: stateOf({ turns: [turnOf(1, "kept")] }) });
    model.push({ type: "notice", level: "error", text: "No answer.", draft: "kept" });
    expect(area.value).toBe("");
    model.push({ type: "notice", level: "error", text: "No answer.", draft: "lost" });
    expect(area.value).toBe("lost");
    model.push({ type: "notice", level: "error", text: "No answer.", draft: "another" });
    expect(area.value).toBe("lost");
  });

  test("until the kernel has said yes nothing is lost and nothing goes twice", async () => {
    const { model, area } = await compose({ answer: {} });
    type(area, "Hello");
    press(area, "Enter");
    press(area, "Enter");
    await settled();
    expect(model.of("send")).toHaveLength(1);
    expect([area.value, area.readOnly]).toEqual(["Hello", true]);
  });

  test("while an answer comes the button stops it, and so does Escape", async () => {
    const { model, pane, area } = await compose();
    model.push({ type: "start", turn: "t1", number: 1, prompt: [], model: "m", replaces: null });
    type(area, "next");
    press(area, "Enter");
    byLabel(pane, "Stop").click();
    press(area, "Escape");
    expect(model.of("send")).toEqual([]);
    expect(model.of("stop")).toHaveLength(2);
    expect(area.value).toBe("next");
  });

  test("an empty message is not sent", async () => {
    const { model, pane, area } = await compose();
    type(area, "   ");
    press(area, "Enter");
    expect(byLabel(pane, "Send").disabled).toBe(true);
    expect(model.of("send")).toEqual([]);
  });
});

describe("earlier questions", () => {
  const state = stateOf({ turns: [turnOf(1, "first"), turnOf(2, "second")] });

  test("Up in an empty field brings them back, Down returns to the draft", async () => {
    const { area } = await compose({ state });
    const seen = ["ArrowUp", "ArrowUp", "ArrowUp", "ArrowDown", "ArrowDown"].map((key) => {
      press(area, key);
      return area.value;
    });
    expect(seen).toEqual(["second", "first", "first", "second", ""]);
  });

  test("Up in a text of one's own moves the cursor only", async () => {
    const { area } = await compose({ state });
    type(area, "mine");
    expect(press(area, "ArrowUp").defaultPrevented).toBe(false);
    expect(area.value).toBe("mine");
  });
});

describe("attachments", () => {
  test("a pasted picture and a dropped file go out as their very bytes", async () => {
    const { model, pane, area } = await compose();
    expect(bring(area, "paste", { files: [file("image.png", "image/png", [1, 2, 3])] }).defaultPrevented).toBe(true);
    await settled();
    const dropped = bring(pane, "drop", { types: ["Files"], files: [file("a.csv", "", [4, 5])] });
    await settled();
    expect(dropped.defaultPrevented).toBe(true);
    expect(chips(pane)).toEqual(["pasted-1.png3 B", "a.csv2 B"]);
    expect(pane.querySelector(".gmc-tray img").src).toContain("blob:");
    press(area, "Enter");
    await settled();
    const [sent] = model.of("send");
    expect(sent.attachments).toEqual([
      { name: "pasted-1.png", mime: "image/png", size: 3, buffer: 0 },
      { name: "a.csv", mime: "text/csv", size: 2, buffer: 1 },
    ]);
    expect(sent.buffers.map((buffer) => [...new Uint8Array(buffer)])).toEqual([[1, 2, 3], [4, 5]]);
    expect(chips(pane)).toEqual([]);
  });

  test("pasted text is left to the browser", async () => {
    const { area } = await compose();
    expect(bring(area, "paste", { files: [] }).defaultPrevented).toBe(false);
  });

  test("a chip can be taken off, and the focus goes back to the text", async () => {
    const { pane, area } = await compose();
    bring(area, "paste", { files: [file("a.txt", "text/plain", [1]), file("b.txt", "text/plain", [2])] });
    await settled();
    byLabel(pane, "Remove a.txt").click();
    expect(chips(pane)).toEqual(["b.txt1 B"]);
    expect(document.activeElement).toBe(area);
  });

  test("what is too large stays out, and the reason is said", async () => {
    const { pane, area } = await compose({ state: stateOf({ limit: 3 }) });
    bring(area, "paste", { files: [file("a.txt", "text/plain", [1, 2]), file("b.txt", "text/plain", [1, 2])] });
    await settled();
    expect(chips(pane)).toEqual(["a.txt2 B"]);
    expect(pane.querySelector(".gmc-notice-lines").textContent).toContain("b.txt was not attached");
  });

  test("a drag of files shows where they go, other drags do not", async () => {
    const { pane } = await compose();
    bring(pane, "dragenter", { types: ["text/plain"] });
    expect(pane.classList.contains("gmc-dragging")).toBe(false);
    bring(pane, "dragenter", { types: ["Files"] });
    expect(pane.classList.contains("gmc-dragging")).toBe(true);
    bring(pane, "dragleave", { types: ["Files"] });
    expect(pane.classList.contains("gmc-dragging")).toBe(false);
  });
});

describe("variables", () => {
  const names = [{ name: "df", kind: "DataFrame", shown: "3 × 2" }, { name: "df2", kind: "DataFrame", shown: "" }];
  const answer = { ...OK, complete: () => ({ reply: { from: 6, names } }) };
  const options = (pane) => [...pane.querySelectorAll(".gmc-composer [role=option]")];

  test("are offered after braces, chosen by arrow keys, and put in", async () => {
    const { model, pane, area } = await compose({ answer });
    type(area, "Sum {{d");
    await settled();
    expect(model.of("complete")).toMatchObject([{ text: "Sum {{d", cursor: 7 }]);
    expect(options(pane).map((option) => option.textContent)).toEqual(["dfDataFrame · 3 × 2", "df2DataFrame"]);
    press(area, "ArrowDown");
    expect(area.getAttribute("aria-activedescendant")).toBe(options(pane)[1].id);
    press(area, "Enter");
    expect(area.value).toBe("Sum {{df2}}");
    expect(model.of("send")).toEqual([]);
    expect(pane.querySelector(".gmc-composer [role=listbox]").hidden).toBe(true);
  });

  test("Escape closes the list and stops nothing", async () => {
    const { model, pane, area } = await compose({ answer });
    type(area, "Sum {{d");
    await settled();
    press(area, "Escape");
    expect(pane.querySelector(".gmc-composer [role=listbox]").hidden).toBe(true);
    expect(model.of("stop")).toEqual([]);
  });

  test("an answer for a text that has changed since is not shown", async () => {
    const { pane, area } = await compose({ answer });
    type(area, "Sum {{d");
    type(area, "Sum {{d}} ");
    await settled();
    expect(pane.querySelector(".gmc-composer [role=listbox]").hidden).toBe(true);
  });

  test("the button writes the braces", async () => {
    const { pane, area } = await compose({ answer: { ...OK, complete: () => ({ reply: { from: 2, names } }) } });
    byLabel(pane, "Bring in a variable").click();
    await settled();
    expect(area.value).toBe("{{");
    expect(options(pane)).toHaveLength(2);
  });
});
