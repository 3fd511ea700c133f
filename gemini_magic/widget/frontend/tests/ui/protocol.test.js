import { describe, expect, test } from "vitest";

import { Gone, bytesOf, carriesBinary, createLink, fromBase64, newId, pack, toBase64 } from "../../src/protocol.js";

function link({ fails = false, ...more } = {}) {
  const posted = [];
  const lost = [];
  const made = createLink({
    post(content, buffers) {
      if (fails) throw new Error("closed");
      posted.push({ content, buffers });
    },
    lost: () => lost.push(1),
    view: "v",
    ...more,
  });
  return { posted, lost, made };
}

describe("requests", () => {
  test("hello names the page, what it carries, and its language", () => {
    const { made, posted } = link({ locale: "zh", binary: false });
    made.hello();
    expect(posted[0].content).toEqual({ type: "hello", view: "v", binary: false, locale: "zh", keeps: true });
  });

  test("each reply reaches the request it is for, in any order, with its buffers", async () => {
    const { made, posted } = link();
    const [one, two] = [made.request("models"), made.request("blob", { blob: "b" })];
    const ids = posted.map(({ content }) => content.id);
    expect(new Set(ids).size).toBe(2);
    expect(made.receive({ type: "reply", to: ids[1], mime: "a/b" }, ["buffer"])).toBe(true);
    expect(made.receive({ type: "reply", to: ids[0], models: [] })).toBe(true);
    expect(await two).toMatchObject({ mime: "a/b", buffers: ["buffer"] });
    expect(await one).toMatchObject({ models: [] });
  });

  test("a reply with an error is refused with the kernel's words", async () => {
    const { made, posted } = link();
    const asked = made.request("load");
    made.receive({ type: "reply", to: posted[0].content.id, error: "This is no conversation." });
    await expect(asked).rejects.toMatchObject({ message: "This is no conversation.", reply: { error: "This is no conversation." } });
  });

  test("replies to other pages, and replies that come twice, are not ours", async () => {
    const { made, posted } = link();
    const asked = made.request("models");
    expect(made.receive({ type: "reply", to: "other-1" })).toBe(false);
    const reply = { type: "reply", to: posted[0].content.id };
    expect([made.receive(reply), made.receive(reply)]).toEqual([true, false]);
    await asked;
  });

  test("a line that is dead says so once for each try and keeps nothing waiting", async () => {
    const { made, lost } = link({ fails: true });
    await expect(made.request("models")).rejects.toBeInstanceOf(Gone);
    expect(made.tell("stop")).toBe(false);
    expect(lost).toHaveLength(2);
  });

  test("dropping the line ends every request", async () => {
    const { made } = link();
    const asked = [made.request("models"), made.request("export")];
    made.drop();
    for (const one of asked) await expect(one).rejects.toBeInstanceOf(Gone);
  });
});

describe("bytes", () => {
  const bytes = Uint8Array.from({ length: 70_000 }, (_, place) => place % 251);

  test("base64 there and back is the same, beyond one slice too", () => {
    expect(fromBase64(toBase64(bytes))).toEqual(bytes);
    expect(toBase64(new Uint8Array())).toBe("");
  });

  test("a file goes as a buffer of its very bytes, even when it is a window on more", () => {
    const file = { name: "a.bin", mime: "x/y", bytes: bytes.subarray(10, 20) };
    const { described, buffers } = pack([file], true);
    expect(described).toEqual([{ name: "a.bin", mime: "x/y", size: 10, buffer: 0 }]);
    expect(new Uint8Array(buffers[0])).toEqual(bytes.slice(10, 20));
  });

  test("where buffers are not carried it goes as base64", () => {
    const { described, buffers } = pack([{ name: "a", mime: "x/y", bytes: new Uint8Array([1, 2]) }], false);
    expect(buffers).toEqual([]);
    expect(described).toEqual([{ name: "a", mime: "x/y", size: 2, data: "AQI=" }]);
  });

  test("buffers of the kernel are read as they come", () => {
    const whole = new Uint8Array([1, 2, 3, 4]).buffer;
    expect([...bytesOf(new DataView(whole, 1, 2))]).toEqual([2, 3]);
    expect([...bytesOf(whole)]).toEqual([1, 2, 3, 4]);
  });

  test("Colab is taken not to carry buffers", () => {
    expect(carriesBinary({ google: { colab: {} } })).toBe(false);
    expect(carriesBinary({})).toBe(true);
  });

  test("ids differ", () => {
    expect(new Set(Array.from({ length: 100 }, newId)).size).toBe(100);
  });
});
