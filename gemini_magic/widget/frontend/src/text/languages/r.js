/** R for highlight.js: its own words, texts also in their raw form, numbers, and whatever is called. */

/** For `hljs.registerLanguage`. */
export function r(hljs) {
  return {
    name: "R",
    keywords: {
      $pattern: /[A-Za-z.][\w.]*/,
      keyword: "function if in break next repeat else for while",
      literal: "NULL NA TRUE FALSE Inf NaN NA_integer_ NA_real_ NA_character_ NA_complex_",
    },
    contains: [
      hljs.HASH_COMMENT_MODE,
      hljs.END_SAME_AS_BEGIN({ scope: "string", begin: /[rR]["'](-*)[([{]/, end: /[)\]}](-*)["']/ }),
      hljs.QUOTE_STRING_MODE,
      { scope: "string", begin: /'(?:\\.|[^'\\])*'/ },
      { begin: /`[^`\n]*`/ },
      { scope: "built_in", begin: /\b(?!(?:function|if|for|while)\b)[A-Za-z][\w.]{0,80}(?=\()/, relevance: 0 },
      { scope: "number", begin: /\b(?:0x[\da-fA-F]+|\d+\.?\d*(?:[eE][-+]?\d+)?)[Li]?/, relevance: 0 },
    ],
  };
}
