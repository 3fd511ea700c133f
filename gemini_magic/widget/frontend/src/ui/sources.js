// What an answer rests on: pages that were read, and searches that were made.

import { h, link } from "./dom.js";
import { icon } from "./icons.js";

/** The numbered list of sources, or nothing. */
export function sourcesOf(view, words) {
  if (!view.sources?.length) return null;
  const items = view.sources.map(({ title, url, host }) => {
    const shown = host && host !== title ? [title || host, h("span", { class: "gmc-host" }, host)] : [title || host || url];
    return h("li", {}, link(url, shown));
  });
  return h("section", { class: "gmc-sources", "aria-label": words("sources") }, h("div", { class: "gmc-caption" }, words("sources")), h("ol", {}, items));
}

/** The searches that were made, each a link to the same search, or nothing. */
export function searchesOf(view, words) {
  if (!view.searches?.length) return null;
  const chips = view.searches.map((query) => {
    const anchor = link(`https://www.google.com/search?q=${encodeURIComponent(query)}`, icon("search", 12), query);
    anchor.className = "gmc-search";
    return h("li", {}, anchor);
  });
  return h("section", { class: "gmc-searches", "aria-label": words("searches") }, h("div", { class: "gmc-caption" }, words("searches")), h("ul", {}, chips));
}
