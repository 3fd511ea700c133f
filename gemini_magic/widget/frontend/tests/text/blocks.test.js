import { describe, expect, test } from "vitest";

import { BlockSplitter } from "../../src/text/index.js";
import { data } from "./narrow.js";

const { named, fuzz } = JSON.parse(data("vectors/blocks.json"));
const SIZES = [1, 7, 40];

/** Where the blocks of a text end, in characters as Python counts them. */
function cutsOf(text, { smallest, growth }, size) {
  const splitter = new BlockSplitter({ smallest, growth });
  const characters = [...text];
  const blocks = [];
  for (let begin = 0; begin < characters.length; begin += size) {
    blocks.push(...splitter.feed(characters.slice(begin, begin + size).join("")));
  }
  expect(blocks.join("") + splitter.tail).toBe(text);
  let end = 0;
  return blocks.map((block) => (end += [...block].length));
}

/** The same texts as in Python: a generator that both can write in a line. */
function* randomTexts() {
  let state = fuzz.seed;
  const next = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0);
  for (const cuts of fuzz.cuts) {
    next();
    const count = (state % fuzz.longest) + 1;
    let text = "";
    for (let number = 0; number < count; number += 1) text += fuzz.pieces[(next() >>> 8) % fuzz.pieces.length];
    yield [text, cuts];
  }
}

describe.each(named)("the splitter and the text “$name”", (vector) => {
  test.each(SIZES)("in pieces of %i cuts where Python does", (size) => {
    expect(cutsOf(vector.text, vector, size)).toEqual(vector.cuts);
  });
});

test.each(SIZES)("random texts in pieces of %i are cut where Python does", (size) => {
  for (const [text, cuts] of randomTexts()) {
    const found = cutsOf(text, fuzz, size);
    if (found.join() !== cuts.join()) expect({ text, cuts: found }).toEqual({ text, cuts });
  }
});

test("three thousand random texts were recorded", () => {
  expect([...randomTexts()]).toHaveLength(3000);
});
