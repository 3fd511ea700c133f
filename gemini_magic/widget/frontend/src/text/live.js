/** Markdown that is still arriving: finished blocks are rendered once, the rest once a frame at most. */

import { BlockSplitter } from "./blocks.js";
import { LONGEST } from "./limits.js";
import { hasReferences, renderBlock, renderMarkdown } from "./markdown.js";
import { plain } from "./sanitize.js";
import { visible } from "./visible.js";

const LIVE_CODE = 4_000; // characters of code that are coloured while more may come
const REST = 3; // a paint is followed by a pause of as many times its length

const nextFrame = globalThis.requestAnimationFrame
  ? (paint) => requestAnimationFrame(paint)
  : (paint) => setTimeout(paint, 33);

export class LiveText {
  #element;
  #text = "";
  #splitter;
  #blocks = []; // finished, and not painted yet
  #tail = []; // nodes of the unfinished end
  #dirty = false;
  #frame = false;
  #notBefore = 0;
  #frozen = false; // the whole was rendered at once; more text begins anew

  /** @param {Element} element shows the text; nothing else may stand in it */
  constructor(element) {
    this.#element = element;
    this.#begin();
  }

  /** All that has come. */
  get text() {
    return this.#text;
  }

  /** Add what has come; it is painted with the next frame. */
  append(text) {
    if (!text) return;
    if (this.#frozen) {
      const all = this.#text + text;
      this.#begin();
      this.#add(all);
    } else {
      this.#add(text);
    }
  }

  /** Make this the whole text. */
  set(text) {
    if (text.startsWith(this.#text)) {
      this.append(text.slice(this.#text.length));
    } else {
      this.#begin();
      this.#add(text);
    }
  }

  /** Paint now, and as a text that is complete. */
  flush() {
    const whole = this.#text.length <= LONGEST && hasReferences(this.#text);
    if (!whole) {
      this.#paint(undefined);
    } else if (!this.#frozen) {
      this.#element.replaceChildren(renderMarkdown(this.#text));
      this.#tail = [];
      this.#blocks = [];
      this.#frozen = true;
    }
    this.#dirty = false;
  }

  #begin() {
    this.#text = "";
    this.#splitter = new BlockSplitter({ smallest: 1, growth: 0 });
    this.#blocks = [];
    this.#tail = [];
    this.#frozen = false;
    this.#element.replaceChildren();
  }

  #add(text) {
    this.#text += text;
    if (this.#text.length <= LONGEST) this.#blocks.push(...this.#splitter.feed(text));
    this.#dirty = true;
    this.#ask();
  }

  #ask() {
    if (this.#frame) return;
    this.#frame = true;
    nextFrame(() => {
      this.#frame = false;
      if (!this.#dirty) return;
      if (performance.now() < this.#notBefore) this.#ask();
      else this.#paintInTime();
    });
  }

  #paintInTime() {
    const begun = performance.now();
    this.#paint(LIVE_CODE);
    const now = performance.now();
    this.#notBefore = now + REST * (now - begun);
  }

  #paint(code) {
    this.#dirty = false;
    if (this.#text.length > LONGEST) {
      this.#paintPlain();
      return;
    }
    const finished = this.#blocks.map((block) => renderBlock(block));
    this.#blocks = [];
    const tail = renderBlock(this.#splitter.tail, { code });
    if (finished.length) {
      this.#tail.forEach((node) => node.remove());
      this.#tail = [];
      this.#element.append(...finished);
    }
    this.#show([...tail.childNodes]);
  }

  /** Put the new end in the place of the old, and leave alone what did not change. */
  #show(nodes) {
    const kept = nodes.map((node, index) => reused(this.#tail[index], node) ?? node);
    this.#tail.filter((node) => !kept.includes(node)).forEach((node) => node.remove());
    this.#element.append(...kept.filter((node, index) => node !== this.#tail[index]));
    this.#tail = kept;
  }

  #paintPlain() {
    this.#element.replaceChildren(plain(visible(this.#text)));
    this.#tail = [];
    this.#blocks = [];
  }
}

/** The old node with what the new one has, where that can be had without moving the reader's place in it. */
function reused(old, node) {
  if (!old) return null;
  if (old.isEqualNode(node)) return old;
  if (!isCode(old) || !isCode(node) || old.dataset.language !== node.dataset.language) return null;
  const [before, after] = [old.querySelector("code"), node.querySelector("code")];
  before.className = after.className;
  before.replaceChildren(...after.childNodes);
  return old;
}

function isCode(node) {
  return node.nodeType === 1 && node.classList.contains("gm-code");
}
