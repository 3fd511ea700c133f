// Numbers as people read them.

const UNITS = ["B", "kB", "MB", "GB"];

/** A size in bytes, in words: 812 B, 1.4 MB. */
export function sizeWords(bytes) {
  let [size, unit] = [bytes, 0];
  while (size >= 1000 && unit < UNITS.length - 1) [size, unit] = [size / 1000, unit + 1];
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${UNITS[unit]}`;
}

/** A count with thousands set apart: 12,345. */
export function countWords(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A count where there is little room: 812, 5.2k, 1.3M. */
export function shortCount(count) {
  if (count < 1000) return String(count);
  return count < 999_500 ? `${(count / 1000).toPrecision(count < 9950 ? 2 : 3).replace(/\.0$/, "")}k` : `${(count / 1e6).toFixed(1)}M`;
}

/** Seconds with a digit where it tells something: 0.8, 3.1, 42. */
export function secondsWords(seconds) {
  return seconds < 10 ? seconds.toFixed(1) : String(Math.round(seconds));
}

/** The line of tokens and cost under an answer or over a conversation. */
export function usageWords(usage, words, locale = "en") {
  if (!usage) return "";
  if (locale === "en" && usage.words) return usage.words;
  const counts = [
    [usage.prompt, "tokensIn"],
    [usage.answer, "tokensOut"],
    [usage.thoughts, "tokensThought"],
    [usage.cached, "tokensCached"],
  ];
  const said = counts.filter(([count]) => count).map(([count, key]) => words(key, countWords(count)));
  if (usage.cost) said.push(usage.cost);
  return said.join(" · ");
}
