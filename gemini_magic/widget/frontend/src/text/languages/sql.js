/** SQL for highlight.js: the words that all databases share. */

const KEYWORDS =
  "add all alter analyze and any as asc begin between by cascade case cast check collate column commit conflict constraint " +
  "create cross current database default delete desc describe distinct drop else end escape except exists explain fetch " +
  "filter first following for foreign from full function grant group grouping having if ilike in index inner insert " +
  "intersect interval into is join key last lateral left like limit materialized merge natural not nulls offset on only or " +
  "order outer over partition preceding primary procedure qualify range recursive references rename replace returning " +
  "revoke right rollback row rows select set sets table temp temporary then to transaction trigger truncate unbounded union " +
  "unique update using vacuum values view when where window with within";
const TYPES =
  "array bigint binary blob bool boolean char character date datetime decimal double float int integer json jsonb numeric " +
  "real serial smallint text time timestamp timestamptz tinyint uuid varchar";

/** For `hljs.registerLanguage`. */
export function sql(hljs) {
  return {
    name: "SQL",
    case_insensitive: true,
    keywords: { keyword: KEYWORDS, type: TYPES, literal: "true false null unknown" },
    contains: [
      hljs.COMMENT("--", "$"),
      hljs.C_BLOCK_COMMENT_MODE,
      { scope: "string", begin: /'/, end: /'/, contains: [{ begin: /''/ }] },
      { begin: /"/, end: /"/ },
      { scope: "variable", begin: /[@:$]\w+/ },
      { scope: "built_in", begin: /\b(?!(?:in|values|as|and|or|on|over|using|not|exists|key|when|then|by|from|table)\b)[a-z_]\w*(?=\()/ },
      hljs.C_NUMBER_MODE,
    ],
  };
}
