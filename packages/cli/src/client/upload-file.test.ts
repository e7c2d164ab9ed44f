import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Earshot } from "@earshot/sdk";
import { startPartStore } from "@earshot/testkit/part-store";
import { startReceiver } from "@earshot/testkit/receiver";
import { afterAll, beforeAll, expect, test } from "vitest";
import { toCommandError } from "../commands/command-error.ts";
import { uploadFile } from "./upload-file.ts";

let directory: string;
let file: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-upload-"));
  file = join(directory, "note.mp3");
  await writeFile(file, "12345678");
});

afterAll(() => rm(directory, { recursive: true, force: true }));

const never = new AbortController().signal;

test("a file is announced with its hash and PUT with the signed headers, again when the connection breaks", async () => {
  await using api = await startReceiver();
  const upload = {
    id: "upl_1",
    put_url: `${api.url}/blob?signature=x`,
    headers: { "content-type": "audio/mpeg" },
  };
  api.script({ status: 201, body: JSON.stringify(upload) }, "reset", { status: 200 });
  const seen: number[] = [];
  const earshot = new Earshot({ baseUrl: api.url, apiKey: "ek", firstPauseMs: 1 });
  expect(await uploadFile(earshot, file, (part) => seen.push(part), never)).toBe("upl_1");
  expect(api.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "POST /v1/uploads",
    "PUT /blob?signature=x",
    "PUT /blob?signature=x",
  ]);
  expect(JSON.parse(api.requests[0]?.body ?? "")).toEqual({
    filename: "note.mp3",
    content_type: "audio/mpeg",
    size: 8,
    sha256: "ef797c8118f02dfb649607dd5d3f8c7623048c9c063d532cc95c5ed7a898a64f",
  });
  expect(api.requests[2]).toMatchObject({
    body: "12345678",
    headers: { "content-length": "8", "content-type": "audio/mpeg" },
  });
  // The signature is the permission: the key is for the API alone.
  expect(api.requests[2]?.headers.authorization).toBeUndefined();
  expect(seen.at(-1)).toBe(1);
});

test("a file that isn't there is told by its name", async () => {
  const earshot = new Earshot({ baseUrl: "http://127.0.0.1:1", apiKey: "ek" });
  await expect(uploadFile(earshot, "nowhere.mp3", () => {}, never)).rejects.toMatchObject({
    code: "input_unreachable",
    message: "There is no file nowhere.mp3.",
  });
});

test("a file in parts is read from disk slice by slice, and a part whose connection breaks is sent again", async () => {
  await using store = await startPartStore([3, 3, 2], (number, attempt) =>
    number === 2 && attempt === 1 ? "reset" : { status: 200, headers: { etag: `"etag-${number}"` } },
  );
  const seen: number[] = [];
  const earshot = new Earshot({ baseUrl: store.url, apiKey: "ek", firstPauseMs: 1 });
  expect(await uploadFile(earshot, file, (part) => seen.push(part), never)).toBe("upl_1");
  const bodies = store.taken.toSorted((a, b) => a.number - b.number).map(({ body }) => body);
  expect(bodies).toEqual(["123", "456", "456", "78"]);
  expect(store.taken.every(({ authorization }) => authorization === undefined)).toBe(true);
  expect(store.joined).toHaveLength(1);
  expect(seen.at(-1)).toBe(1);
  expect(Math.max(...seen)).toBe(1);
});

test("a part that is refused is told as the refusal that it is", async () => {
  await using store = await startPartStore([3, 3, 2], () => ({ status: 403 }));
  const earshot = new Earshot({ baseUrl: store.url, apiKey: "ek" });
  const broken = await uploadFile(earshot, file, () => {}, never).catch((error: unknown) => error);
  expect(toCommandError(broken)).toMatchObject({ code: "forbidden", detail: { status: 403 } });
});
