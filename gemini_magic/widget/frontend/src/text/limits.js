/** How much work one text may cause, in figures that do not depend on the machine. */

export const LONGEST = 500_000; // characters that are read as Markdown; more are shown as they are
export const NESTING = 20; // quotations, lists and emphases inside one another

/** Thrown when a text asks for more; it is then shown as it is. */
export class TooMuch extends Error {}

/** Work that one text may still cause, in characters looked at. */
export class Purse {
  #left;

  constructor(left = 30_000_000) {
    this.#left = left;
  }

  spend(characters) {
    this.#left -= characters;
    if (this.#left < 0) throw new TooMuch();
  }
}
