/**
 * Cutting Markdown that is still arriving into blocks that are done and a tail that is not.
 *
 * The same rules as in gemini_magic/display/blocks.py; both are held to tests/data/vectors/blocks.json.
 */

const FENCE = /^([ \t]*(?:(?:>|[-*+]|\p{Nd}{1,9}[.)])[ \t]+)*)(`{3,}|~{3,})(.*)/su;
const MATHS = /^ {0,3}\$\$(.*)/su;
const GOES_ON = /^(?:[ \t|>:=]|(?:[-*+]|\p{Nd}{1,9}[.)])(?:[ \t]|$))/u;
const UNDECIDED = /^(?:[-*+]|\p{Nd}{1,9}[.)]?)$/u;
// What Python's str.strip takes for white space, which is not what JavaScript's trim does.
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const BLANK = new RegExp(`^[${SPACE}]*$`);
const SPACE_AT_END = new RegExp(`[${SPACE}]+$`);
const PAIR = /[\ud800-\udbff][\udc00-\udfff]/g;

const FORMULA_MARK = "$$";
const LONGEST_FORMULA = 4_000;
const CODE_INDENT = 4;
const ENOUGH = 12; // characters that tell what a line begins

/** Characters as Python counts them: a pair of surrogates is one. */
const size = (text) => text.length - (text.match(PAIR)?.length ?? 0);

/**
 * Splits a growing Markdown text where nothing that follows can change what came before.
 *
 * A block ends at a blank line outside of fences and formulas when the next line is not indented and is no
 * list item, table row or quotation, and the block is long enough. Where the blocks end depends on the text alone,
 * not on the pieces it came in. Blocks and tail joined are the text.
 */
export class BlockSplitter {
  #smallest;
  #growth;
  #tail = "";
  #frozen = 0;
  #line = 0; // where the line that is not read yet begins, in the tail
  #characters = 0; // as many stand before it, in the tail
  #blank = true; // whether the line before it is blank, or there is none
  #fence = "";
  #fenceIndent = 0;
  #formula = null;

  /** @param {{smallest?: number, growth?: number}} options least characters of a block, and least share of what came before */
  constructor({ smallest = 800, growth = 1 / 8 } = {}) {
    this.#smallest = smallest;
    this.#growth = growth;
  }

  /** What has come since the last finished block. */
  get tail() {
    return this.#tail;
  }

  /** Add text; returns the blocks that are finished now. */
  feed(delta) {
    this.#tail += delta;
    const blocks = [];
    while (this.#atLineThatCanBeRead()) {
      if (this.#mayCut()) blocks.push(this.#cut());
      const end = this.#tail.indexOf("\n", this.#line);
      if (end < 0) break;
      const line = this.#tail.slice(this.#line, end);
      this.#readLine(line);
      this.#line = end + 1;
      this.#characters += size(line) + 1;
    }
    return blocks;
  }

  #begun() {
    const begun = this.#tail.slice(this.#line, this.#line + 2 * ENOUGH);
    return size(begun) <= ENOUGH ? begun : [...begun].slice(0, ENOUGH).join("");
  }

  #atLineThatCanBeRead() {
    const begun = this.#begun();
    return begun !== "" && (begun.includes("\n") || !UNDECIDED.test(begun));
  }

  #mayCut() {
    if (!this.#line || !this.#blank || this.#fence || this.#formula !== null) return false;
    if (this.#characters < Math.max(this.#smallest, this.#frozen * this.#growth)) return false;
    const [begun] = this.#begun().split("\n", 1);
    return begun !== "" && !GOES_ON.test(begun);
  }

  #cut() {
    const block = this.#tail.slice(0, this.#line);
    this.#tail = this.#tail.slice(this.#line);
    this.#frozen += this.#characters;
    this.#line = this.#characters = 0;
    return block;
  }

  #readLine(line) {
    const begins = this.#blank;
    this.#blank = BLANK.test(line);
    if (this.#formula !== null) {
      this.#readFormula(line);
      return;
    }
    const fence = FENCE.exec(line);
    if (fence) {
      this.#readFence(size(fence[1]), fence[2], fence[3]);
    } else if (begins && !this.#fence) {
      const maths = MATHS.exec(line);
      if (maths && !maths[1].includes(FORMULA_MARK)) this.#formula = this.#frozen + this.#characters;
    }
  }

  #readFence(indent, mark, rest) {
    if (!this.#fence) {
      if (mark[0] !== "`" || !rest.includes("`")) {
        this.#fence = mark;
        this.#fenceIndent = indent;
      }
    } else if (mark.startsWith(this.#fence) && BLANK.test(rest) && indent < this.#fenceIndent + CODE_INDENT) {
      this.#fence = "";
    }
  }

  #readFormula(line) {
    const length = this.#frozen + this.#characters - this.#formula;
    if (line.replace(SPACE_AT_END, "").endsWith(FORMULA_MARK) || length > LONGEST_FORMULA) this.#formula = null;
  }
}
