/**
 * Mathematics that typesets and does nothing else: the same list as in gemini_magic/display/tex.py.
 *
 * Commands that make links, load packages, define macros, set styles or ids are shown by name instead.
 */

const COMMAND = /\\(?:label\s*\{[^{}]*\}|([A-Za-z]+)|.)/gs;
const DENIED = new Set(
  `
  DeclareMathOperator DeclarePairedDelimiter DeclarePairedDelimiters DeclarePairedDelimitersX
  DeclarePairedDelimitersXPP DeclareRobustCommand Newextarrow action bbox catcode class csname cssId data def
  definecolor edef endtoggle eqref expandafter futurelet gdef href htmlClass htmlData htmlId htmlStyle hyperlink
  hyperref include includegraphics input label let mathtip mmlToken newcommand newenvironment openin openout
  providecommand read ref renewcommand renewenvironment require special style texttip toggle tooltip unicode url
  write xdef
  `.trim().split(/\s+/),
);

/** TeX in which commands that reach beyond the formula are shown by their name, and labels are left out. */
export function defuse(tex) {
  return tex.replace(COMMAND, (all, name) => {
    if (name === undefined && all.startsWith("\\label")) return "";
    return DENIED.has(name) ? `\\mathtt{${name}}` : all;
  });
}
