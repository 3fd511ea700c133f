import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { LiveText, renderMarkdown } from "../../src/text/index.js";
import { assertNarrow, corpus, faults, htmlOf, payloads } from "./narrow.js";
import { shapes } from "./shapes.js";

const LOOKS = 24; // into a payload that comes in many pieces
const ANSWER = [
  "## A sum",
  "The series $\\sum 1/n^2$ converges, and **Euler** found [where](https://ok.example/a).",
  "$$\n\\frac{\\pi^2}{6}\n$$",
  "1. compare, or\n2. add:",
  "```python\ndef f(n):\n\n    return 1 / n**2\n```",
  "| n | sum |\n|--:|----:|\n| 1 | 1 |",
  "> Slowly.",
  "- The error falls.\n- ~~More~~ *Better*.",
  "Done.",
].join("\n\n");

let frames;
let box;

beforeEach(() => {
  frames = [];
  vi.stubGlobal("requestAnimationFrame", (paint) => frames.push(paint));
  box = document.createElement("div");
});
afterEach(() => vi.unstubAllGlobals());

function nextFrame() {
  const [due, later] = [frames, []];
  frames = later;
  due.forEach((paint) => paint());
}

/** Frames until nothing is left to paint. */
async function settle() {
  while (frames.length) {
    nextFrame();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function shape(node) {
  return htmlOf(node).replace(/\s+/g, " ").replace(/> </g, "><").trim();
}

/** Stream a text, look at what stands in the page at many moments, and give all that was wrong. */
function streamed(payload, size) {
  const live = new LiveText(box);
  const found = new Set();
  const characters = [...payload];
  const often = Math.ceil(characters.length / size / LOOKS);
  for (let begin = 0, turn = 0; begin < characters.length; begin += size, turn += 1) {
    live.append(characters.slice(begin, begin + size).join(""));
    if (turn % often) continue;
    live.flush();
    faults(box).forEach((fault) => found.add(fault));
  }
  live.flush();
  faults(box).forEach((fault) => found.add(fault));
  return [...found];
}

describe.each([1, 7, 40])("hostile text that comes in pieces of %i characters", (size) => {
  test.each([
    ["this suite's", payloads],
    ["DOMPurify's", corpus],
    ["younger", shapes],
  ])("%s payloads are narrow at every look", (_, list) => {
    for (const { id, payload } of list()) expect(streamed(payload, size), id).toEqual([]);
  });
});

test.each([1, 7, 40, 10_000])("an answer in pieces of %i is at its end what it is at once", (size) => {
  const live = new LiveText(box);
  for (let begin = 0; begin < ANSWER.length; begin += size) {
    live.append(ANSWER.slice(begin, begin + size));
    live.flush();
  }
  expect(shape(box)).toBe(shape(renderMarkdown(ANSWER)));
});

test("pieces are painted once for each frame", async () => {
  const live = new LiveText(box);
  for (const piece of ["one ", "two ", "three"]) live.append(piece);
  expect(frames).toHaveLength(1);
  expect(box.textContent).toBe("");
  await settle();
  expect(box.textContent.trim()).toBe("one two three");
});

test("nothing is painted when nothing came", async () => {
  const live = new LiveText(box);
  live.append("");
  expect(frames).toHaveLength(0);
  live.append("x");
  live.flush();
  const [before] = box.childNodes;
  await settle();
  expect(box.firstChild).toBe(before);
});

test("finished blocks are rendered once and never again", async () => {
  const live = new LiveText(box);
  live.append("one\n\ntwo\n\nthr");
  await settle();
  const [first, , second] = box.childNodes;
  live.append("ee *four* five\n\nsix");
  await settle();
  expect(box.childNodes[0]).toBe(first);
  expect(box.childNodes[2]).toBe(second);
  expect([...box.querySelectorAll("p")].map((p) => p.textContent)).toEqual(["one", "two", "three four five", "six"]);
});

test("a code block that grows stays the same element, with what was put into it", async () => {
  const live = new LiveText(box);
  live.append("so:\n\n```python\na = 1\n");
  await settle();
  const block = box.querySelector(".gm-code");
  block.classList.add("gmc-dressed");
  block.prepend(document.createElement("header"));
  live.append("b = 2\n");
  await settle();
  expect(box.querySelector(".gm-code")).toBe(block);
  expect(block.querySelector("header")).not.toBeNull();
  live.append("```\n");
  live.flush();
  expect(box.querySelectorAll(".gm-code")).toHaveLength(1);
  expect(box.querySelector("code").textContent).toBe("a = 1\nb = 2");
  expect(box.querySelector("code .hljs-number").textContent).toBe("1");
});

test("a text that is set anew replaces the old, and one that goes on only adds to it", async () => {
  const live = new LiveText(box);
  live.set("one\n\ntwo");
  await settle();
  const [first] = box.childNodes;
  live.set("one\n\ntwo three");
  await settle();
  expect(box.firstChild).toBe(first);
  expect(live.text).toBe("one\n\ntwo three");
  live.set("other");
  live.flush();
  expect(box.textContent.trim()).toBe("other");
});

test("references reach across blocks when the text is complete, and more may follow", async () => {
  const live = new LiveText(box);
  live.append("A [link][1] here.\n\nMore words.\n\n[1]: https://ok.example/\n");
  await settle();
  live.flush();
  expect(box.querySelector("a").getAttribute("href")).toBe("https://ok.example/");
  live.append("\nAnd more.");
  live.flush();
  expect(box.querySelectorAll("a")).toHaveLength(1);
  expect([...box.querySelectorAll("p")].map((p) => p.textContent.trim()).at(-1)).toBe("And more.");
});

test("a text beyond the limit goes on as plain text", () => {
  const live = new LiveText(box);
  for (let turn = 0; turn < 6; turn += 1) live.append(`${"word ".repeat(20_000)}\n\n`);
  live.flush();
  expect(box.childNodes).toHaveLength(1);
  expect(box.firstChild.localName).toBe("pre");
  expect(box.textContent).toHaveLength(600_012);
});

test("fifty thousand characters in two and a half thousand pieces render each block once", async () => {
  const live = new LiveText(box);
  const answer = `${ANSWER}\n\n`.repeat(Math.ceil(50_000 / ANSWER.length)).slice(0, 50_000);
  let added = 0;
  const watcher = new MutationObserver((records) => records.forEach((record) => (added += record.addedNodes.length)));
  watcher.observe(box, { childList: true });
  for (let begin = 0; begin < answer.length; begin += 20) {
    live.append(answer.slice(begin, begin + 20));
    if (begin % 400 === 0) nextFrame();
  }
  live.flush();
  await new Promise((resolve) => setTimeout(resolve, 0));
  watcher.disconnect();
  expect(added).toBeLessThan(4 * box.childNodes.length);
  expect(faults(box)).toEqual([]);
});
