import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startReceiver } from "@earshot/testkit/receiver";
import { afterAll, beforeAll, expect, test } from "vitest";
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
  const connection = {
    url: api.url,
    key: "ek",
    retry: { attempts: 3, firstPauseMs: 1, random: Math.random },
  };
  expect(await uploadFile(connection, file, (part) => seen.push(part), never)).toBe("upl_1");
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
  const connection = {
    url: "http://127.0.0.1:1",
    key: "ek",
    retry: { attempts: 1, firstPauseMs: 1, random: Math.random },
  };
  await expect(uploadFile(connection, "nowhere.mp3", () => {}, never)).rejects.toMatchObject({
    code: "input_unreachable",
    message: "There is no file nowhere.mp3.",
  });
});
