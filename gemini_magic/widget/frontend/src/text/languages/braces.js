/** Languages with braces for highlight.js, each no more than its keywords: C and C++, Go, Java, JavaScript, Rust. */

const SHARED = "break case continue default do else enum for if return struct switch while true false";
const KEYWORDS = {
  cpp:
    "alignas alignof asm auto bool catch char class co_await co_return co_yield concept const const_cast consteval constexpr " +
    "constinit decltype delete double dynamic_cast explicit export extern final float friend goto inline int long mutable " +
    "namespace new noexcept nullptr operator override private protected public register reinterpret_cast requires short " +
    "signed sizeof static static_assert static_cast template this throw try typedef typeid typename union unsigned using " +
    "virtual void volatile",
  go:
    "any bool byte chan const defer error fallthrough float32 float64 func go goto import int int64 interface iota map nil " +
    "package range rune select string type uint uint8 var",
  java:
    "abstract assert boolean byte catch char class const double extends final finally float implements import instanceof " +
    "int interface long native new null package permits private protected public record sealed short static super " +
    "synchronized this throw throws transient try var void volatile yield",
  javascript:
    "abstract any as async await boolean catch class const constructor declare delete export extends false finally from " +
    "function get implements import in infer instanceof interface is keyof let namespace never new null number of private " +
    "protected public readonly require satisfies set static string super symbol this throw try type typeof undefined unknown " +
    "var void with yield",
  rust:
    "as async await bool char const crate dyn extern f32 f64 fn i32 i64 impl in isize let loop match mod move mut pub ref " +
    "self Self static str super trait type u8 u32 u64 unsafe use usize where",
};

/** The language of this name, for `hljs.registerLanguage`. */
export function braces(name) {
  return (hljs) => ({
    keywords: { keyword: `${KEYWORDS[name]} ${SHARED}` },
    contains: [
      hljs.C_LINE_COMMENT_MODE,
      hljs.C_BLOCK_COMMENT_MODE,
      { scope: "meta", begin: /^[ \t]*#(?:\[|!\[|[a-z]+)/, end: /$/ },
      hljs.QUOTE_STRING_MODE,
      // In Rust a single mark begins a lifetime, too.
      { scope: "string", begin: name === "rust" ? /'(?:\\.[^'\n]{0,8}|[^'\\\n])'/ : /'(?:\\.|[^'\\\n])*'/ },
      { scope: "string", begin: /`/, end: /`/, contains: [hljs.BACKSLASH_ESCAPE] },
      { scope: "meta", begin: /@[A-Za-z]\w*/ },
      { scope: "number", begin: /\b(?:0[xb][\da-f_]+|\d[\d_]*(?:\.\d+)?(?:e[-+]?\d+)?)[a-z]{0,3}\d{0,2}\b/i, relevance: 0 },
      {
        begin: [/\b(?:class|struct|enum|interface|trait|impl|record)/, /\s+/, /[A-Za-z_]\w*/],
        beginScope: { 1: "keyword", 3: "title.class" },
      },
      {
        begin: [/\b(?!(?:if|for|while|switch|match|return|catch|sizeof)\b)[A-Za-z_]\w*/, /!?\s*(?=\()/],
        beginScope: { 1: "title.function" },
        keywords: { keyword: `${KEYWORDS[name]} ${SHARED}` },
        relevance: 0,
      },
    ],
  });
}
