/** Settings for highlight.js: INI and TOML, line by line, in time that grows with the text alone. */

/** For `hljs.registerLanguage`. */
export function ini(hljs) {
  const number = { scope: "number", begin: /[-+]?\b\d[\d_.:TZe+-]*\b/, relevance: 0 };
  const literal = { scope: "literal", begin: /\b(?:true|false|on|off|yes|no)\b/ };
  const text = [
    { scope: "string", begin: /"""|'''/, end: /"""|'''/ },
    { scope: "string", begin: /"(?:\\.|[^"\\\n])*"/ },
    { scope: "string", begin: /'[^'\n]*'/ },
  ];
  const comment = hljs.COMMENT(/[#;]/, /$/);
  return {
    name: "INI",
    contains: [
      comment,
      { scope: "section", begin: /^[ \t]*\[/, end: /\]|$/ },
      { scope: "attr", begin: /^[ \t]*[\w."'-]{1,200}(?=[ \t]*[=:])/ },
      ...text,
      literal,
      number,
    ],
  };
}
