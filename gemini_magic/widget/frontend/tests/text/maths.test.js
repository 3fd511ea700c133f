import { afterEach, beforeEach, expect, test, vi } from "vitest";

import mathML from "../../src/text/katex.js";
import { assertNarrow, payloads } from "./narrow.js";

let text;

beforeEach(async () => {
  vi.resetModules(); // what was loaded is kept for the page's life
  text = await import("../../src/text/index.js");
});
afterEach(() => vi.unstubAllGlobals());

/** A loader whose module calls the real typesetter. */
function loader() {
  globalThis.theTypesetter = mathML;
  return vi.fn(async () => "export default (...given) => globalThis.theTypesetter(...given)");
}

async function typeset(box) {
  await vi.waitFor(() => expect(box.querySelector("math")).not.toBeNull(), { timeout: 5_000 });
}

function shown(markdown) {
  const box = document.createElement("div");
  box.append(text.renderMarkdown(markdown));
  return box;
}

test("formulas stay as they were written until the typesetter is here", async () => {
  const module = loader();
  text.setMathsLoader(module);
  const box = shown("so $x^2$ and\n\n$$\n\\frac{a}{b}\n$$");
  expect([...box.querySelectorAll(".gm-math")].map((formula) => formula.textContent)).toEqual(["$x^2$", "$$\n\\frac{a}{b}\n$$"]);
  await typeset(box);
  expect(box.querySelector("span.gm-math msup").textContent).toBe("x2");
  expect(box.querySelector("div.gm-math math").getAttribute("display")).toBe("block");
  expect(box.querySelector("div.gm-math").title).toBe("$$\n\\frac{a}{b}\n$$");
  assertNarrow(box);
});

test("the typesetter is asked for once, and only when there is a formula", async () => {
  const module = loader();
  text.setMathsLoader(module);
  shown("no formula, only $5");
  expect(module).not.toHaveBeenCalled();
  const box = shown("$a$");
  shown("$b$");
  await typeset(box);
  expect(shown("$c$").querySelector("math")).not.toBeNull();
  expect(module).toHaveBeenCalledTimes(1);
});

test("without a typesetter formulas stay readable", async () => {
  const module = vi.fn(async () => {
    throw new Error("no kernel");
  });
  text.setMathsLoader(module);
  const box = shown("$a$ and $b$");
  await vi.waitFor(() => expect(module).toHaveBeenCalled());
  shown("$c$");
  expect(module).toHaveBeenCalledTimes(1);
  expect(box.textContent.trim()).toBe("$a$ and $b$");
});

test("a formula that cannot be read stays as it was written", async () => {
  text.setMathsLoader(loader());
  const box = shown("$\\frac{a$ and $b$");
  await typeset(box);
  expect(box.textContent).toContain("$\\frac{a$");
  expect(box.querySelectorAll("math")).toHaveLength(1);
});

test.each(["\\begin{pmatrix} a & b \\\\ c & d \\end{pmatrix}", "\\int_0^\\infty e^{-x^2}\\,dx", "\\color{red}{x}", "\\boxed{x}", "\\text{if } x > 0", "\\begin{aligned} a &= b \\\\ &= c \\end{aligned}"])(
  "the formula %s is typeset from allowed elements",
  async (tex) => {
    text.setMathsLoader(loader());
    const box = shown(`$$\n${tex}\n$$`);
    await typeset(box);
    assertNarrow(box);
    expect(box.textContent).not.toContain("\\");
  },
);

test("hostile formulas make no links and run nothing", async () => {
  text.setMathsLoader(loader());
  await typeset(shown("$a$"));
  const hostile = ["\\href{javascript:run()}{x}", "\\url{javascript:run()}", "\\includegraphics{http://127.0.0.1:9/x}", "\\htmlClass{jp-Dialog}{x}", "\\htmlStyle{position:fixed}{x}", "\\htmlId{x}{y}", "\\text{<img src=x onerror=run()>}", "\\def\\x{\\x\\x}\\x", "\\rule{1000em}{1000em}", "\\href {https://e.example}{x}"];
  for (const tex of [...hostile, ...payloads().map(({ payload }) => payload.replaceAll("$", ""))]) {
    const box = shown(`so $${tex}$ and\n\n$$\n${tex}\n$$`);
    assertNarrow(box, tex);
    expect([...box.querySelectorAll(".gm-math a")], tex).toEqual([]);
  }
});
