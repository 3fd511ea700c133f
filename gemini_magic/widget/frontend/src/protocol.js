// Requests to the kernel: ids, promises, and files as binary buffers or as base64 where buffers are not carried.

/** The kernel is not there any more. */
export class Gone extends Error {}

/** The kernel answered a request with words about what failed. */
export class Refused extends Error {
  constructor(reply) {
    super(reply.error);
    this.reply = reply;
  }
}

/** An id that no other page makes. */
export function newId() {
  const numbers = crypto.getRandomValues(new Uint32Array(3));
  return Array.from(numbers, (number) => number.toString(36)).join("");
}

/** Whether this front end carries binary buffers in comm messages. */
export function carriesBinary(scope = globalThis) {
  return scope.google?.colab === undefined;
}

/** The bytes of a buffer of the kernel, whatever view it came as. */
export function bytesOf(buffer) {
  if (ArrayBuffer.isView(buffer)) return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  return new Uint8Array(buffer);
}

/** Bytes as base64, in slices that no argument list is too short for. */
export function toBase64(bytes) {
  const slices = [];
  for (let at = 0; at < bytes.length; at += 0x8000) slices.push(String.fromCharCode(...bytes.subarray(at, at + 0x8000)));
  return btoa(slices.join(""));
}

export function fromBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Files as a message names them, and the buffers that go with it. A file is `{name, mime, bytes}`. */
export function pack(files, binary) {
  const buffers = [];
  const described = files.map(({ name, mime, bytes }) => {
    const about = { name, mime, size: bytes.byteLength };
    if (!binary) return { ...about, data: toBase64(bytes) };
    buffers.push(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    return { ...about, buffer: buffers.length - 1 };
  });
  return { described, buffers };
}

/**
 * The line to the kernel.
 *
 * `post(content, buffers)` sends one message and may throw; `lost()` is called when it does. The link knows nothing of
 * what is shown.
 */
export function createLink({ post, lost = () => {}, locale = "en", binary = carriesBinary(), view = newId() }) {
  const waiting = new Map();
  let count = 0;

  function tell(type, fields = {}, buffers = []) {
    try {
      post({ type, ...fields }, buffers);
      return true;
    } catch {
      lost();
      return false;
    }
  }

  return {
    view,
    binary,
    tell,

    hello: () => tell("hello", { view, binary, locale, keeps: true }),

    /** Ask for something; the promise holds the reply and its buffers, or fails with Refused or Gone. */
    request(type, fields = {}, buffers = []) {
      count += 1;
      const id = `${view}-${count}`;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        if (!tell(type, { ...fields, id }, buffers)) {
          waiting.delete(id);
          reject(new Gone());
        }
      });
    },

    /** Take a message of the kernel; true when it answered a request of this page. */
    receive(message, buffers = []) {
      const asked = message?.type === "reply" ? waiting.get(message.to) : undefined;
      if (!asked) return false;
      waiting.delete(message.to);
      if (message.error) asked.reject(new Refused(message));
      else asked.resolve({ ...message, buffers });
      return true;
    },

    /** No reply will come any more. */
    drop() {
      for (const { reject } of waiting.values()) reject(new Gone());
      waiting.clear();
    },
  };
}
