import { startPartStore } from "@earshot/testkit/part-store";
import type { PartAnswer } from "@earshot/testkit/part-store";
import { startReceiver } from "@earshot/testkit/receiver";
import { until } from "@earshot/testkit/until";
import { expect, test } from "vitest";
import { Earshot } from "./earshot.ts";
import { UploadInterrupted } from "./uploads.ts";

const SIZES = [4, 4, 4, 2];
const FILE = new TextEncoder().encode("aaaabbbbccccdd");
const options = { filename: "long.wav", contentType: "audio/wav" };

const clientOf = (baseUrl: string, retries = 2) =>
  new Earshot({ baseUrl, apiKey: "ek", firstPauseMs: 1, retries });
const etagOf = (number: number): PartAnswer => ({ status: 200, headers: { etag: `"etag-${number}"` } });
const part = (number: number, body: string) => ({
  number,
  body,
  contentLength: String(body.length),
  // The signature is the permission: the key is for the API alone.
  authorization: undefined,
});
const joinedBy = (...numbers: number[]) => [
  {
    path: "/v1/uploads/upl_1/complete",
    body: { multipart_id: "mp_1", parts: numbers.map((number) => ({ number, etag: `"etag-${number}"` })) },
  },
];

async function interruptionOf(work: Promise<unknown>): Promise<UploadInterrupted> {
  const error = await work.catch((thrown: unknown) => thrown);
  if (error instanceof UploadInterrupted) return error;
  throw new Error("it was not interrupted", { cause: error });
}

test("a file goes to its one URL with the signed headers, again when the connection breaks", async () => {
  await using api = await startReceiver();
  const upload = {
    id: "upl_1",
    put_url: `${api.url}/blob?signature=x`,
    headers: { "content-type": "audio/wav" },
  };
  api.script({ status: 201, body: JSON.stringify(upload) }, "reset", { status: 200 });
  const seen: number[] = [];
  const uploaded = await clientOf(api.url).uploads.create(FILE, {
    ...options,
    sha256: "0".repeat(64),
    onProgress: ({ sentBytes, totalBytes }) => void seen.push(sentBytes / totalBytes),
  });
  expect(uploaded).toEqual({ id: "upl_1", size: 14 });
  expect(api.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "POST /v1/uploads",
    "PUT /blob?signature=x",
    "PUT /blob?signature=x",
  ]);
  expect(JSON.parse(api.requests[0]?.body ?? "")).toEqual({
    filename: "long.wav",
    content_type: "audio/wav",
    size: 14,
    sha256: "0".repeat(64),
  });
  expect(api.requests[2]).toMatchObject({ body: "aaaabbbbccccdd", headers: { "content-length": "14" } });
  expect(api.requests[2]?.headers.authorization).toBeUndefined();
  expect(seen).toEqual([1]);
});

test("each part gets its slice, again when the connection breaks, and all are joined by their ETags", async () => {
  await using store = await startPartStore(SIZES, (number, attempt) =>
    number === 2 && attempt === 1 ? "reset" : etagOf(number),
  );
  const seen: number[] = [];
  const onProgress = ({ sentBytes }: { sentBytes: number }) => void seen.push(sentBytes);
  await clientOf(store.url).uploads.create(new Blob([FILE]), { ...options, onProgress });
  expect(store.taken.toSorted((a, b) => a.number - b.number)).toEqual([
    part(1, "aaaa"),
    part(2, "bbbb"),
    part(2, "bbbb"),
    part(3, "cccc"),
    part(4, "dd"),
  ]);
  expect(store.joined).toEqual(joinedBy(1, 2, 3, 4));
  expect(seen.toSorted((a, b) => a - b)).toEqual(seen);
  expect(seen.at(-1)).toBe(14);
});

test("an upload that broke off is taken up where it was, even from its JSON: only what is missing is sent", async () => {
  let isBroken = true;
  await using store = await startPartStore(SIZES, async (number) => {
    if (number !== 3 || !isBroken) return etagOf(number);
    // The others get through before it fails.
    await until(() => store.taken.length >= 4, { describe: "the other parts" });
    return { status: 500 };
  });
  const client = clientOf(store.url, 0);
  const { state, message } = await interruptionOf(client.uploads.create(FILE, options));
  expect(message).toContain("1 of its parts");
  expect(state.sent.map(({ number }) => number).toSorted()).toEqual([1, 2, 4]);
  expect(store.joined).toEqual([]);

  isBroken = false;
  const before = store.taken.length;
  const seen: number[] = [];
  const resumed = await client.uploads.create(FILE, {
    ...options,
    resume: JSON.parse(JSON.stringify(state)),
    onProgress: ({ sentBytes }) => void seen.push(sentBytes),
  });
  expect(resumed.id).toBe("upl_1");
  expect(store.taken.slice(before)).toEqual([part(3, "cccc")]);
  expect(store.joined).toEqual(joinedBy(1, 2, 3, 4));
  expect(seen).toEqual([14]);
});

test("three parts are on their way at once, and no more", async () => {
  const gate = Promise.withResolvers<void>();
  await using store = await startPartStore(Array(7).fill(2), async (number) => {
    await gate.promise;
    return etagOf(number);
  });
  const uploading = clientOf(store.url).uploads.create(FILE, options);
  await until(() => store.taken.length >= 3, { describe: "three parts" });
  // Whatever else had been sent with them is there before the answer to a later request.
  await fetch(`${store.url}/v1/uploads`, { method: "POST" });
  expect(store.taken).toHaveLength(3);
  gate.resolve();
  await uploading;
  expect(store.taken).toHaveLength(7);
});

test("a part that is refused ends the upload, the other parts with it, and nothing is joined", async () => {
  await using store = await startPartStore(SIZES, (number) =>
    number === 1 ? { status: 403 } : new Promise(() => {}),
  );
  const interrupted = await interruptionOf(clientOf(store.url).uploads.create(FILE, options));
  expect(interrupted.cause).toMatchObject({ status: 403 });
  expect(store.taken.map(({ number }) => number)).not.toContain(4);
  expect(store.joined).toEqual([]);
});

test("a part without an ETag cannot be joined, and is told by its number", async () => {
  await using store = await startPartStore(SIZES, () => ({ status: 200 }));
  const interrupted = await interruptionOf(clientOf(store.url).uploads.create(FILE, options));
  expect(interrupted.cause).toMatchObject({ message: expect.stringMatching(/gave part \d no ETag/) });
});

test("an abort ends the upload with what is needed to go on", async () => {
  const abort = new AbortController();
  const reason = new Error("enough");
  await using store = await startPartStore(SIZES, () => new Promise(() => {}));
  const uploading = interruptionOf(
    clientOf(store.url).uploads.create(FILE, { ...options, signal: abort.signal }),
  );
  await until(() => store.taken.length === 3, { describe: "three parts" });
  abort.abort(reason);
  const interrupted = await uploading;
  expect(interrupted.cause).toBe(reason);
  expect(interrupted.state).toMatchObject({ upload: { id: "upl_1" }, sent: [] });
});
