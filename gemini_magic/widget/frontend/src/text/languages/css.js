/** Style sheets for highlight.js: what its own grammar tells apart, without its lists of every property there is. */

/** A language for `hljs.registerLanguage`. */
export function css(hljs) {
  const number = { scope: "number", begin: /[-+]?\b\d*\.?\d+(?:%|[a-z]+\b)?/, relevance: 0 };
  const colour = { scope: "number", begin: /#[\da-f]{3,8}\b/ };
  const call = { scope: "built_in", begin: /[\w-]+(?=\()/ };
  const variable = { scope: "attr", begin: /--[\w-]+/ };
  const values = [colour, number, call, variable, { scope: "meta", begin: /!important/ }];
  const texts = [hljs.C_BLOCK_COMMENT_MODE, hljs.QUOTE_STRING_MODE, hljs.APOS_STRING_MODE];
  const rule = {
    begin: /[\w-]+(?=\s*:\s)/,
    beginScope: "attribute",
    end: /[;}]/,
    excludeEnd: true,
    contains: [...texts, ...values],
  };
  return {
    name: "CSS",
    case_insensitive: true,
    contains: [
      ...texts,
      { scope: "keyword", begin: /@[\w-]+/ },
      { scope: "selector-class", begin: /\.[a-z_-][\w-]*/ },
      { scope: "selector-id", begin: /#[a-z_-][\w-]*(?=[^;}]*\{)/ },
      rule,
      variable,
    ],
  };
}
