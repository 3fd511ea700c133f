// Bytes the kernel keeps (images, sounds, files), fetched once and held as object URLs.

import { bytesOf, fromBase64 } from "./protocol.js";

const SHOWN = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"]);

/** Whether the browser may draw bytes of this type: pictures that cannot hold scripts. */
export function isPicture(mime) {
  return SHOWN.has(mime);
}

/** A shelf of blobs; `url(id, mime)` is a promise of an object URL that lives until `close()`. */
export function createBlobs(link) {
  const urls = new Map();

  async function fetchUrl(id, mime) {
    const reply = await link.request("blob", { blob: id });
    const bytes = reply.data === undefined ? bytesOf(reply.buffers[0]) : fromBase64(reply.data);
    return URL.createObjectURL(new Blob([bytes], { type: mime }));
  }

  return {
    url(id, mime) {
      const key = `${mime} ${id}`;
      if (!urls.has(key)) {
        const made = fetchUrl(id, mime);
        made.catch(() => urls.delete(key));
        urls.set(key, made);
      }
      return urls.get(key);
    },
    close() {
      for (const made of urls.values()) made.then((url) => URL.revokeObjectURL(url), () => {});
      urls.clear();
    },
  };
}
