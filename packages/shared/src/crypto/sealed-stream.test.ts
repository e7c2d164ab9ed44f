import { describe, expect, test } from "vitest";
import { randomBytes, toHex } from "./bytes.ts";
import type { Bytes } from "./bytes.ts";
import { openingStream, sealingStream, through } from "./sealed-stream.ts";

const newKey = () =>
  crypto.subtle.importKey("raw", randomBytes(32), "AES-GCM", false, ["encrypt", "decrypt"]);

function bytesOf(length: number): Bytes {
  return Uint8Array.from({ length }, (_, index) => (index * 7) % 251);
}

const CHUNK = 65_536;
const SEALED = CHUNK + 16;

test.for([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 200_000])(
  "%i bytes come back, in whatever pieces they are read",
  async (length) => {
    const key = await newKey();
    const bytes = bytesOf(length);
    const sealed = await through(sealingStream(key), bytes);
    const pieces = ReadableStream.from(
      (function* () {
        for (let at = 0; at < sealed.length; at += 50_021) yield sealed.subarray(at, at + 50_021);
      })(),
    );
    const opened = new Uint8Array(await new Response(pieces.pipeThrough(openingStream(key))).arrayBuffer());
    expect(opened.length).toBe(length);
    expect(toHex(opened) === toHex(bytes)).toBe(true);
    if (length > 16) expect(toHex(sealed)).not.toContain(toHex(bytes.subarray(0, 16)));
  },
);

describe("does not open when", () => {
  const moved = (sealed: Bytes) => {
    const [first, second] = [sealed.slice(0, SEALED), sealed.slice(SEALED, 2 * SEALED)];
    sealed.set(second, 0);
    sealed.set(first, SEALED);
    return sealed;
  };
  test.for([
    ["a bit is changed", (sealed: Bytes) => sealed.with(SEALED + 5, (sealed[SEALED + 5] ?? 0) ^ 1)],
    ["it is cut at a chunk's end", (sealed: Bytes) => sealed.slice(0, 2 * SEALED)],
    ["it is cut anywhere", (sealed: Bytes) => sealed.slice(0, 2 * SEALED + 90)],
    ["a chunk is missing", (sealed: Bytes) => sealed.slice(SEALED)],
    ["two chunks changed places", moved],
    ["something follows", (sealed: Bytes) => Uint8Array.from([...sealed, 0])],
    ["nothing is left", () => new Uint8Array(0)],
  ] as const)("%s", async ([, change]) => {
    const key = await newKey();
    const sealed = await through(sealingStream(key), bytesOf(3 * CHUNK - 10));
    await expect(through(openingStream(key), change(sealed) as Bytes)).rejects.toThrow();
  });

  test("the key is another one's", async () => {
    const sealed = await through(sealingStream(await newKey()), bytesOf(100));
    await expect(through(openingStream(await newKey()), sealed)).rejects.toThrow();
  });
});
