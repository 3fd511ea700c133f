import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { byText, open, settled, stateOf, turnOf } from "./fakes.js";

let made;

beforeEach(() => {
  URL.createObjectURL = () => "blob:here";
  URL.revokeObjectURL = () => {};
});

afterEach(() => {
  made?.close();
  made = null;
  vi.useRealTimers();
});

async function shown(state, more = {}) {
  made = await open({ state: stateOf(state), ...more });
  return made;
}

const articles = (pane) => [...pane.querySelectorAll("article")].map((node) => node.getAttribute("aria-label"));

describe("what is shown", () => {
  test("an empty conversation offers its starters, and one is sent by a click", async () => {
    const { model, pane } = await shown({ starters: ["Explain df"] }, { answer: { send: () => ({ reply: { ok: true } }) } });
    byText(pane, "button", "Explain df").click();
    await settled();
    expect(model.of("send")).toMatchObject([{ text: "Explain df", attachments: [] }]);
  });

  test("turns are articles with their place, tags and figures", async () => {
    const { pane } = await shown({ turns: [turnOf(1, "Q", "A", { from_cell: true, stale: true, sent: false })] });
    expect(articles(pane)).toEqual(["Question 1", "Answer 1"]);
    expect([...pane.querySelectorAll(".gmc-tag")].map((tag) => tag.textContent)).toEqual(["from a cell", "stale", "not sent along"]);
    expect(pane.querySelector(".gmc-figures").textContent).toBe("gemini-2.5-flash · 1.5 s");
  });

  test("the person's text stays text, and the model's is made safe", async () => {
    const hostile = "<img src=x onerror=alert(1)> **b**";
    const { pane } = await shown({ turns: [turnOf(1, hostile, hostile)] });
    expect(pane.querySelector(".gmc-question").textContent).toContain(hostile);
    expect(pane.querySelector("img")).toBe(null);
    expect(pane.querySelector(".gmc-markdown strong").textContent).toBe("b");
  });

  test("header says model, conversation and totals", async () => {
    const totals = { total: 5232, prompt: 1, answer: 1, cost: "$0.01", words: "w" };
    const { model, pane } = await shown({ name: "autumn", totals });
    expect(pane.querySelector(".gmc-model-name").textContent).toBe("gemini-2.5-flash");
    expect(pane.querySelector(".gmc-name").textContent).toBe("autumn");
    expect(pane.querySelector(".gmc-wide").textContent).toBe("5,232 tokens · $0.01");
    model.push({ type: "settings", settings: { model: "gemini-2.5-pro" } });
    expect(pane.querySelector(".gmc-model-name").textContent).toBe("gemini-2.5-pro");
  });

  test("errors, blocks and limits say why and offer the way on", async () => {
    const turns = [
      turnOf(1, "Q", "", { status: "failed", answer: [], error: { title: "Too many requests", text: "Wait 4 s.", retry: true } }),
      turnOf(2, "Q", "A", { status: "truncated", finish: { text: "Cut off.", can_continue: true } }),
      turnOf(3, "Q", "A", { status: "interrupted" }),
      turnOf(4, "Q", "", { status: "failed", answer: [], error: { title: "No key", text: "Set one.", retry: false } }),
    ];
    const { model, pane } = await shown({ turns });
    byText(pane, "button", "Retry").click();
    byText(pane, "button", "Continue").click();
    expect(model.of("retry")).toMatchObject([{ turn: "t1" }]);
    expect(model.of("continue")).toMatchObject([{ turn: "t2" }]);
    expect(pane.textContent).toContain("Stopped. This is what had arrived.");
    expect([...pane.querySelectorAll("button")].filter((button) => button.textContent === "Retry")).toHaveLength(1);
  });

  test("sources are links of the web only, searches link to the same search", async () => {
    const sources = [{ title: "Good", url: "https://a.example/x", host: "a.example" }, { title: "Bad", url: "javascript:alert(1)", host: "" }];
    const { pane } = await shown({ turns: [turnOf(1, "Q", "A", { sources, searches: ["a & b"] })] });
    const links = [...pane.querySelectorAll("a")];
    expect(links.map((link) => link.href)).toEqual(["https://a.example/x", "https://www.google.com/search?q=a%20%26%20b"]);
    expect(links.every((link) => link.rel === "noopener noreferrer nofollow" && link.target === "_blank")).toBe(true);
    expect(pane.querySelector(".gmc-sources").textContent).toContain("Bad");
  });

  test("headings of the model stand below the pane's own, and skip no level", async () => {
    const { pane } = await shown({ turns: [turnOf(1, "Q", "#### Deep\n\n###### Deeper\n\n# Top")] });
    const levels = [...pane.querySelectorAll(".gmc-markdown [aria-level]")].map((heading) => heading.ariaLevel ?? heading.getAttribute("aria-level"));
    expect(levels).toEqual(["3", "4", "3"]);
  });

  test("pictures are fetched from the kernel, other types are files to save", async () => {
    const answer = [{ kind: "image", blob: "a", mime: "image/png", bytes: 3 }, { kind: "image", blob: "b", mime: "image/svg+xml", bytes: 9, name: "x.svg" }];
    const blob = () => ({ reply: { mime: "image/png" }, buffers: [new DataView(new ArrayBuffer(3))] });
    const { model, pane } = await shown({ turns: [turnOf(1, "Q", "", { answer })] }, { answer: { blob } });
    await settled();
    expect(pane.querySelector("img").src).toBe("blob:here");
    expect(model.of("blob")).toHaveLength(1);
    expect(pane.querySelector("button.gmc-chip").textContent).toBe("x.svg9 B");
  });

  test("code blocks have their language, and Insert makes a cell below the pane's own", async () => {
    const cells = [];
    const sharedModel = { cells: [1, 2, 3], insertCell: (at, cell) => cells.push([at, cell]) };
    const manager = { context: { model: { sharedModel } } };
    const { pane } = await shown({ turns: [turnOf(1, "Q", "```python\nx = 1\n```")] }, { manager });
    expect(pane.querySelector(".gmc-code-language").textContent).toBe("python");
    byText(pane, "button", "Insert").click();
    await settled();
    expect(cells).toEqual([[3, { cell_type: "code", source: "x = 1", metadata: {} }]]);
  });

  test("where no cell can be made the code is copied, and the pane says so", async () => {
    const copied = [];
    vi.stubGlobal("navigator", { ...navigator, clipboard: { writeText: async (words) => copied.push(words) } });
    const { pane } = await shown({ turns: [turnOf(1, "Q", "```python\nx = 1\n```")] });
    byText(pane, "button", "Insert").click();
    await settled();
    expect(copied).toEqual(["x = 1"]);
    expect(pane.querySelector(".gmc-notice-lines").textContent).toContain("copied instead");
    vi.unstubAllGlobals();
  });

  test("a height given in Python is kept", async () => {
    const { pane } = await shown({}, { traits: { height: 640 } });
    expect(pane.style.getPropertyValue("--gmc-height")).toBe("640px");
  });
});
