// The attachments of the message being written: chips with picture, name, size, and a way to take them off.

import { isPicture } from "../blobs.js";
import { sizeWords } from "../figures.js";
import { fill, h } from "./dom.js";
import { icon, iconButton } from "./icons.js";
import { objection, readFile } from "./intake.js";

/** The tray: `{element, add(files), files(), clear()}`. */
export function createTray({ words, store }, { changed, focus }) {
  const element = h("ul", { class: "gmc-tray", "aria-label": words("attachments"), hidden: true });
  let entries = []; // {file: {name, mime, bytes}, url}
  let number = 0;

  const weight = () => entries.reduce((sum, { file }) => sum + file.bytes.byteLength, 0);

  function drop(entry) {
    if (entry.url) URL.revokeObjectURL(entry.url);
    entries = entries.filter((other) => other !== entry);
    draw();
    focus();
  }

  function chip(entry) {
    const { name, bytes } = entry.file;
    const picture = entry.url ? h("img", { src: entry.url, alt: "", onerror: () => picture.replaceWith(icon("file")) }) : icon("file");
    const off = iconButton("close", words("remove", name), () => drop(entry), { class: "gmc-chip-off" });
    return h("li", { class: `gmc-chip${entry.bad ? " gmc-chip-bad" : ""}` }, picture, h("span", { class: "gmc-chip-name", title: name }, name), h("span", { class: "gmc-chip-size" }, sizeWords(bytes.byteLength)), off);
  }

  function draw() {
    fill(element, entries.map(chip));
    element.hidden = entries.length === 0;
    changed();
  }

  async function add(files) {
    for (const file of files) {
      const against = objection(file, weight(), store.get().limit, words);
      if (against) {
        store.notify("warning", against);
        continue;
      }
      number += 1;
      try {
        const read = await readFile(file, number);
        const url = isPicture(read.mime) ? URL.createObjectURL(new Blob([read.bytes], { type: read.mime })) : null;
        entries.push({ file: read, url });
        draw();
      } catch {
        store.notify("error", words("unreadable", file.name));
      }
    }
  }

  return {
    element,
    add,
    /** Show which of the files the kernel could not take, by their places. */
    mark(bad) {
      entries.forEach((entry, place) => (entry.bad = bad.includes(place)));
      draw();
    },

    files: () => entries.map(({ file }) => file),
    clear() {
      for (const { url } of entries) if (url) URL.revokeObjectURL(url);
      entries = [];
      draw();
    },
  };
}
