import { describe, expect, test } from "vitest";

import { escapeText, renderMarkdown } from "../../src/text/index.js";
import { assertNarrow, corpus, data, htmlOf, payloads } from "./narrow.js";
import { shapes } from "./shapes.js";

const VECTORS = JSON.parse(data("vectors/sanitize.json"));
const CONTEXTS = {
  plain: (text) => text,
  list: (text) => `- ${text}\n- next`,
  table: (text) => `| head |\n|---|\n| ${text} |`,
  quotation: (text) => `> ${text}`,
  fence: (text) => `\`\`\`html\n${text}\n\`\`\``,
  heading: (text) => `## ${text}`,
  "link text": (text) => `[${text}](https://ok.example/)`,
  "image text": (text) => `![${text}](https://ok.example/)`,
  "link target": (text) => `[x](<${text}>)`,
  "name of a language": (text) => `\`\`\`${text}\ncode\n\`\`\``,
};

function words(fragment) {
  return fragment.textContent.split(/\s+/).join(" ").trim();
}

describe.each(VECTORS)("Markdown, $name", (vector) => {
  const fragment = renderMarkdown(vector.markdown);
  const all = (selector) => [...fragment.querySelectorAll(selector)];

  test("becomes what it becomes in Python", () => {
    for (const some of vector.text ?? []) expect(words(fragment)).toContain(some);
    for (const some of vector.no_text ?? []) expect(words(fragment)).not.toContain(some);
    for (const [tag, count] of Object.entries(vector.tags ?? {})) expect(all(tag), tag).toHaveLength(count);
    expect(all("a").map((link) => link.getAttribute("href"))).toEqual(vector.links ?? []);
    if (vector.code) expect(all("pre").map((pre) => pre.textContent.replace(/\n$/, ""))).toEqual(vector.code);
    if (vector.maths) expect(all(".gm-math").map((formula) => formula.textContent)).toEqual(vector.maths);
    assertNarrow(fragment);
  });
});

describe.each(Object.keys(CONTEXTS))("hostile text in a place: %s", (context) => {
  test.each([
    ["this suite's", payloads],
    ["DOMPurify's", corpus],
    ["younger", shapes],
  ])("%s payloads become narrow HTML", (_, list) => {
    for (const { id, payload } of list()) assertNarrow(renderMarkdown(CONTEXTS[context](payload)), id);
  });
});

test("the corpora are whole", () => {
  expect(payloads().length).toBeGreaterThanOrEqual(170);
  expect(corpus().length).toBeGreaterThanOrEqual(185);
  expect(shapes().length).toBeGreaterThanOrEqual(30);
});

test("images and links show the same words as in Python", () => {
  expect(htmlOf(renderMarkdown("![a](https://i.example/b) [c](/d)"))).toBe(
    '<p><span>[image: a (i.example)]</span> <span>c</span> <span class="gm-place">[link removed: this notebook\'s server]</span></p>\n',
  );
});

test("a code block stands in an element of its own with its language", () => {
  const block = renderMarkdown("```Python title=x\ndef f(): ...\n```").querySelector("div.gm-code");
  expect(block.dataset.language).toBe("python");
  expect(block.querySelector("pre > code.hljs.language-python > .hljs-keyword").textContent).toBe("def");
  expect(renderMarkdown("```\nx\n```").querySelector(".gm-code").dataset.language).toBe("");
});

test.each(["python", "js", "typescript", "json", "bash", "sql", "r", "markdown", "html", "css", "yaml", "diff", "c++", "java", "rust", "go", "toml"])(
  "code in %s is coloured and complete",
  (language) => {
    const code = "# if (a < 'b') { return 12 } // \"c\" <d e=\"f\">\n-- x: y\n- select\n+ [1, true]";
    const block = renderMarkdown(`\`\`\`${language}\n${code}\n\`\`\``).querySelector("code");
    expect(block.textContent).toBe(code);
    expect(block.querySelectorAll("span").length).toBeGreaterThan(0);
  },
);

test("words, calls, texts and numbers of R are told apart", () => {
  const code = "f.x <- function(a = 1.5L, `b c`) if (is.na(a)) NULL else r\"-(raw)-\" # why";
  const block = renderMarkdown(`\`\`\`r\n${code}\n\`\`\``).querySelector("code");
  const told = [...block.querySelectorAll("span")].map((node) => [node.className.slice(5), node.textContent]);
  expect(told).toEqual([
    ["keyword", "function"], ["number", "1.5L"], ["keyword", "if"], ["built_in", "is.na"], ["literal", "NULL"], ["keyword", "else"],
    ["string", 'r"-(raw)-"'], ["comment", "# why"],
  ]);
});

test("code that would take long is shown without colours", () => {
  for (const code of ["a = 1\n".repeat(6_000), `x = "${"a".repeat(2_000)}"`]) {
    const block = renderMarkdown(`\`\`\`python\n${code}\n\`\`\``).querySelector("code");
    expect(block.textContent.trim()).toBe(code.trim());
    expect(block.children).toHaveLength(0);
  }
});

test("text is rendered in blocks just as it is rendered at once", () => {
  const piece = "A paragraph of *some* length, repeated. ".repeat(9) + "\n\n```\nx\n\ny\n```\n\n- a\n\n- b\n\n1. c\n\n   d\n\n| e |\n|---|\n| f |\n\n";
  const whole = renderMarkdown(`${piece.repeat(6)}\n[reference]: https://ok.example/`);
  expect(words(renderMarkdown(piece.repeat(6)))).toBe(words(whole));
  expect(renderMarkdown(piece.repeat(6)).querySelectorAll("li, p, pre, td")).toHaveLength(whole.querySelectorAll("li, p, pre, td").length);
});

const UNITS = [
  ...["[", "![", ">", "> ", "- ", "1. ", "*a **b ", "`", "`a``", "$a ", "$$a\n\n", "\\(", "\\[ ", "<a@b", "[a](<b", "&amp;", "| a ", "~~x", "_a", "!"],
  ...["> a\nb\n", "- x\n\n", "=\n", "| a |\n|---|\n", "\n$$\n", "<b ", "[x]: <", "  - a\n", "a|\n", "[^", "](", "\\", "**a *", "__a _"],
];

test.each(UNITS)("ten thousand times %j neither throws nor hangs", (unit) => {
  assertNarrow(renderMarkdown(unit.repeat(10_000)), unit); // one that hangs runs into the time limit of a test
});

test.each(["word ", "[", "> a\nb\n", "$a "])("half a million characters of %j do not freeze", (unit) => {
  const fragment = renderMarkdown(unit.repeat(Math.floor(500_000 / unit.length)));
  expect(fragment.textContent.length).toBeGreaterThan(300_000);
});

test("a text of monstrous length is shown as text", () => {
  const fragment = renderMarkdown("*a*".repeat(200_000));
  expect(fragment.childNodes).toHaveLength(1);
  expect(fragment.firstChild.localName).toBe("pre");
});

test("words are escaped", () => {
  expect(escapeText(`<a href="x" y='z'>&amp;`)).toBe("&lt;a href=&quot;x&quot; y=&#39;z&#39;&gt;&amp;amp;");
});
