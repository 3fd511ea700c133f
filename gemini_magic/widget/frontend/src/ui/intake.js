// Files on their way into a message: chosen, pasted or dropped, read to bytes, checked for size.

import { sizeWords } from "../figures.js";

const LIMIT = 20_000_000;
const BY_ENDING = {
  csv: "text/csv", tsv: "text/tab-separated-values", md: "text/markdown", py: "text/x-python", json: "application/json",
  ipynb: "application/json", txt: "text/plain", log: "text/plain", toml: "text/plain", yaml: "text/plain", yml: "text/plain",
  r: "text/plain", sql: "text/plain", tex: "text/plain", js: "text/javascript", ts: "text/plain", sh: "text/plain", pdf: "application/pdf",
};

/** What the picker offers first. */
export const ACCEPT = "image/*,audio/*,video/*,application/pdf,text/*,.csv,.md,.py,.json,.ipynb,.toml,.yaml,.yml,.sql,.tex";

/** The type of a file: the browser's word, or its ending's. */
export function typeOf(file) {
  const ending = /\.([a-z0-9]+)$/i.exec(file.name)?.[1].toLowerCase();
  return file.type || BY_ENDING[ending] || "application/octet-stream";
}

/** The files in a clipboard or in what was dropped; none when it is text. */
export function filesOf(transfer) {
  return [...(transfer?.files ?? [])];
}

/** Whether a drag brings files. */
export function bringsFiles(event) {
  return [...(event.dataTransfer?.types ?? [])].includes("Files");
}

/** The words against attaching a file of this size to what is there, or nothing. */
export function objection(file, there, limit, words) {
  const most = limit ?? LIMIT;
  const sum = there + file.size;
  if (file.size === 0) return words("emptyFile", file.name);
  if (sum > most) return words("tooLarge", file.name, sizeWords(sum), sizeWords(most));
  return "";
}

/** Read a file: `{name, mime, bytes}`. A picture from the clipboard has no name of its own, and gets one. */
export async function readFile(file, number) {
  const mime = typeOf(file);
  const pasted = !file.name || file.name === "image.png";
  const name = pasted ? `pasted-${number}.${mime.split("/")[1] ?? "bin"}` : file.name;
  return { name, mime, bytes: new Uint8Array(await file.arrayBuffer()) };
}
