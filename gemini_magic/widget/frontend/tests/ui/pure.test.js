import { describe, expect, test } from "vitest";

import { fromPoints, insideBraces, putName, toPoints } from "../../src/braces.js";
import { countWords, secondsWords, shortCount, sizeWords, usageWords } from "../../src/figures.js";
import { createRecall } from "../../src/recall.js";
import { asMarkdown, questionOf, questions, textOf } from "../../src/turns.js";
import { safeLink } from "../../src/ui/dom.js";
import { objection, typeOf } from "../../src/ui/intake.js";
import { matching } from "../../src/ui/model.js";
import { latestHeading } from "../../src/ui/thought.js";
import { WORDS, chooseLocale, wordsFor } from "../../src/words.js";
import { stateOf, turnOf } from "./fakes.js";

describe("words", () => {
  test("every row has both languages, with the same places to fill", () => {
    const places = (text) => (text.match(/\{\d\}/g) ?? []).sort();
    for (const [key, row] of Object.entries(WORDS)) {
      expect(row, key).toHaveLength(2);
      expect(row.every((text) => text.trim() !== ""), key).toBe(true);
      expect(places(row[0]), key).toEqual(places(row[1]));
    }
  });

  test("places are filled, braces of a name are left", () => {
    expect(wordsFor("en")("remove", "a{0}.png")).toBe("Remove a{0}.png");
    expect(wordsFor("zh")("emptyText")).toContain("{{name}}");
    expect(() => wordsFor("en")("nonsense")).toThrow();
  });

  test("the locale is that of the page, else of the browser, else English", () => {
    expect(chooseLocale("zh-CN", "en")).toBe("zh");
    expect(chooseLocale("en", "zh-TW")).toBe("zh");
    expect(chooseLocale("", "de")).toBe("en");
    expect(chooseLocale(undefined, undefined)).toBe("en");
  });
});

describe("figures", () => {
  test("sizes, counts and seconds are short", () => {
    expect([0, 999, 1000, 1_440_000, 250_000_000].map(sizeWords)).toEqual(["0 B", "999 B", "1.0 kB", "1.4 MB", "250 MB"]);
    expect([7, 1234, 1234567].map(countWords)).toEqual(["7", "1,234", "1,234,567"]);
    expect([7, 1000, 5232, 12_345, 999_400, 1_300_000].map(shortCount)).toEqual(["7", "1k", "5.2k", "12.3k", "999k", "1.3M"]);
    expect([0.84, 9.96, 42.4].map(secondsWords)).toEqual(["0.8", "10.0", "42"]);
  });

  test("usage is the kernel's words in English and made of figures in Chinese", () => {
    const usage = { prompt: 1200, answer: 30, thoughts: 0, cached: 0, cost: "$0.01", words: "1,200 in · 30 out" };
    expect(usageWords(usage, wordsFor("en"), "en")).toBe("1,200 in · 30 out");
    expect(usageWords(usage, wordsFor("zh"), "zh")).toBe("输入 1,200 · 输出 30 · $0.01");
    expect(usageWords(null, wordsFor("en"))).toBe("");
  });
});

describe("names after braces", () => {
  test("an open pair of braces is seen, a closed one is not", () => {
    expect(insideBraces("sum {{df", 8)).toBe(true);
    expect(insideBraces("sum {{df.col", 12)).toBe(true);
    expect(insideBraces("sum {{df}} of", 13)).toBe(false);
    expect(insideBraces("sum {df", 7)).toBe(false);
    expect(insideBraces("{{a\nb", 5)).toBe(false);
  });

  test("places count code points on the way to Python and back", () => {
    const text = "😀😀 {{d";
    expect(toPoints(text, text.length)).toBe(6);
    expect(fromPoints(text, 5)).toBe(7);
  });

  test("a name is put in and closed once", () => {
    expect(putName("a {{d b", 4, 5, "df")).toEqual({ text: "a {{df}} b", cursor: 8 });
    expect(putName("a {{d}} b", 4, 5, "df")).toEqual({ text: "a {{df}} b", cursor: 8 });
  });
});

describe("recall", () => {
  test("goes back to the first and forth to the draft", () => {
    const recall = createRecall(() => ["one", "two"]);
    expect([recall.back("draft"), recall.back("two"), recall.back("one")]).toEqual(["two", "one", null]);
    expect(recall.holds("one")).toBe(true);
    expect([recall.forth(), recall.forth(), recall.forth()]).toEqual(["two", "draft", null]);
  });

  test("has nothing to give in an empty conversation", () => {
    const recall = createRecall(() => []);
    expect([recall.back(""), recall.forth()]).toEqual([null, null]);
  });
});

describe("turns", () => {
  test("what was typed comes before what was sent", () => {
    expect(questionOf(turnOf(1, "a long table", "x", { source: "Sum {{df}}" }))).toBe("Sum {{df}}");
    expect(questionOf(turnOf(1, "plain"))).toBe("plain");
  });

  test("the text of an answer leaves out thoughts and keeps code", () => {
    const parts = [{ kind: "thought", text: "hm" }, { kind: "text", text: "See:" }, { kind: "code", language: "python", text: "1" }];
    expect(textOf(parts)).toBe("See:\n\n```python\n1\n```");
  });

  test("earlier questions are listed without repetition in a row", () => {
    const live = { turn: "l", prompt: [{ kind: "text", text: "c" }] };
    expect(questions(stateOf({ turns: [turnOf(1, "a"), turnOf(2, "b"), turnOf(3, "b")], live }))).toEqual(["a", "b", "c"]);
  });

  test("what is shown can be kept as Markdown without a kernel", () => {
    expect(asMarkdown(stateOf({ turns: [turnOf(1, "Q", "A")] }))).toBe("**You**\n\nQ\n\n**gemini-2.5-flash**\n\nA\n");
  });
});

describe("small choices", () => {
  test("only the web and mail are linked", () => {
    const bad = ["javascript:alert(1)", " jAvascript:x", "data:text/html,x", "vbscript:x", "//e", "/x", "", "file:///etc"];
    expect(["https://a", "http://a", "mailto:a@b"].every(safeLink)).toBe(true);
    expect(bad.some(safeLink)).toBe(false);
  });

  test("a file's type is the browser's, its ending's, or bytes", () => {
    const types = [{ name: "a.png", type: "image/png" }, { name: "a.CSV", type: "" }, { name: "a", type: "" }].map(typeOf);
    expect(types).toEqual(["image/png", "text/csv", "application/octet-stream"]);
  });

  test("empty files and too many bytes are refused in words", () => {
    const words = wordsFor("en");
    expect(objection({ name: "a", size: 5 }, 0, 10, words)).toBe("");
    expect(objection({ name: "a", size: 0 }, 0, 10, words)).toContain("empty");
    expect(objection({ name: "a", size: 6 }, 5, 10, words)).toContain("11 B, more than the 10 B");
    expect(objection({ name: "a", size: 20_000_001 }, 0, null, words)).toContain("20.0 MB");
  });

  test("models that begin with what was typed come first", () => {
    const models = [{ name: "x-pro", label: "Pro" }, { name: "pro-1", label: "" }, { name: "flash" }];
    expect(matching(models, "pro").map(({ name }) => name)).toEqual(["pro-1", "x-pro"]);
    expect(matching(models, "")).toHaveLength(3);
  });

  test("the latest heading of thoughts is found", () => {
    expect(latestHeading("**First**\n\nsome\n\n**Second one**\n\nmore **bold** text")).toBe("Second one");
    expect(latestHeading("no heading")).toBe("");
  });
});
