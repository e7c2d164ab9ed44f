import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@earshot/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startPartStore } from "@earshot/testkit/part-store";
import type { PartAnswer } from "@earshot/testkit/part-store";
import { uploadFile } from "./upload-file.ts";

let directory: string;
let file: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-parts-"));
  file = join(directory, "long.wav");
  await writeFile(file, "aaaabbbbccccdd");
});

afterAll(() => rm(directory, { recursive: true, force: true }));

const SIZES = [4, 4, 4, 2];
const never = new AbortController().signal;

function connectionTo(url: string) {
  return { url, key: "ek", retry: { attempts: 3, firstPauseMs: 1, random: Math.random } };
}

function etagOf(number: number): PartAnswer {
  return { status: 200, headers: { etag: `"etag-${number}"` } };
}

test("each part gets its slice of the file, again when the connection breaks, and all are joined by their ETags", async () => {
  await using store = await startPartStore(SIZES, (number, attempt) =>
    number === 2 && attempt === 1 ? "reset" : etagOf(number),
  );
  const seen: number[] = [];
  const id = await uploadFile(connectionTo(store.url), file, (part) => seen.push(part), never);
  expect(id).toBe("upl_1");
  const part = (number: number, body: string) => ({
    number,
    body,
    contentLength: String(body.length),
    // The signature is the permission: the key is for the API alone.
    authorization: undefined,
  });
  expect(store.taken.toSorted((a, b) => a.number - b.number)).toEqual([
    part(1, "aaaa"),
    part(2, "bbbb"),
    part(2, "bbbb"),
    part(3, "cccc"),
    part(4, "dd"),
  ]);
  expect(store.joined).toEqual([
    {
      path: "/v1/uploads/upl_1/complete",
      body: {
        multipart_id: "mp_1",
        parts: [1, 2, 3, 4].map((number) => ({ number, etag: `"etag-${number}"` })),
      },
    },
  ]);
  expect(seen.at(-1)).toBe(1);
  expect(Math.max(...seen)).toBe(1);
});

test("three parts are on their way at once, and no more", async () => {
  const gate = Promise.withResolvers<void>();
  await using store = await startPartStore(Array(7).fill(2), async (number) => {
    await gate.promise;
    return etagOf(number);
  });
  const uploading = uploadFile(connectionTo(store.url), file, () => {}, never);
  await until(() => store.taken.length >= 3, { describe: "three parts" });
  // Whatever else had been sent with them is there before the answer to a later request.
  await fetch(`${store.url}/v1/uploads`, { method: "POST" });
  expect(store.taken).toHaveLength(3);
  gate.resolve();
  await uploading;
  expect(store.taken).toHaveLength(7);
});

test("a part that is refused ends the upload, the other parts with it, and nothing is joined", async () => {
  const others = Promise.withResolvers<PartAnswer>();
  await using store = await startPartStore(SIZES, (number) =>
    number === 1 ? { status: 403 } : others.promise,
  );
  await expect(uploadFile(connectionTo(store.url), file, () => {}, never)).rejects.toMatchObject({
    status: 403,
  });
  expect(store.taken.map(({ number }) => number)).not.toContain(4);
  expect(store.joined).toEqual([]);
});

test("a part without an ETag cannot be joined, and is told by its number", async () => {
  await using store = await startPartStore(SIZES, () => ({ status: 200 }));
  const uploading = uploadFile(connectionTo(store.url), file, () => {}, never);
  await expect(uploading).rejects.toThrow(/gave part \d no ETag/);
});

test("an abort ends the upload with its reason", async () => {
  const abort = new AbortController();
  await using store = await startPartStore(SIZES, () => new Promise(() => {}));
  const uploading = uploadFile(connectionTo(store.url), file, () => {}, abort.signal);
  uploading.catch(() => {});
  await until(() => store.taken.length === 3, { describe: "three parts" });
  abort.abort(new Error("enough"));
  await expect(uploading).rejects.toThrow("enough");
});
