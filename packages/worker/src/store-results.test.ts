import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createGunzip, gunzipSync } from "node:zlib";
import { Readable } from "node:stream";
import { openBlobs } from "@earshot/shared/blobs/open-blobs";
import {
  newResultKey,
  openEnvelope,
  parseResultKeys,
  parseResultSealKey,
  resultSealKeyOf,
} from "@earshot/shared/crypto/result-keys";
import { openingStream, through } from "@earshot/shared/crypto/sealed-stream";
import type { TaskResult } from "@earshot/shared/domain/results";
import { createTestDatabase } from "@earshot/testkit/database";
import { openDatabase } from "@earshot/shared/db/database";
import { expect, test } from "vitest";
import { embeddingsOf, storeResult } from "./store-results.ts";

const HEAD = {
  task: "speech.segments",
  status: "succeeded",
  model: "m",
  version: "1",
  device: "cpu",
} as const;
const LEASE = { jobId: "job_1", token: "t", attempt: 2 };

test("a small result is kept as the text that clients get, a large one as a gzipped blob with an order to delete it", async () => {
  await using database = await createTestDatabase();
  const { db, sql, close } = openDatabase({ url: database.urls.worker, name: "test" });
  const directory = await mkdtemp(join(tmpdir(), "earshot-test-results-"));
  const blobs = await openBlobs(`file://${directory}`);
  try {
    const small: TaskResult = { ...HEAD, speech_ratio: 0.5, segments: [] };
    expect(await storeResult(small, LEASE, { db, blobs })).toMatchObject({
      body: JSON.stringify(small),
      blobKey: null,
      summary: { speech_ratio: 0.5 },
    });

    const large: TaskResult = { ...HEAD, probabilities: Array.from({ length: 100_000 }, (_, i) => i / 7) };
    const stored = await storeResult(large, LEASE, { db, blobs });
    const key = "results/job_1/2/speech.segments.json.gz";
    expect(stored).toMatchObject({ body: null, blobKey: key, bodyBytes: JSON.stringify(large).length });
    const body = Readable.fromWeb((await blobs.read(key)) as never).pipe(createGunzip());
    expect(await text(body)).toBe(JSON.stringify(large));
    expect(await sql`select blob_key, not_before > now() as later from blob_deletions`).toMatchObject([
      { blob_key: key, later: true },
    ]);
  } finally {
    await close();
    await rm(directory, { recursive: true, force: true });
  }
});

test("what was said is sealed before it leaves the worker, small in its row and large in its blob", async () => {
  await using database = await createTestDatabase();
  const { db, close } = openDatabase({ url: database.urls.worker, name: "test" });
  const directory = await mkdtemp(join(tmpdir(), "earshot-test-results-"));
  const blobs = await openBlobs(`file://${directory}`);
  const keys = parseResultKeys(await newResultKey("r1"));
  const resultSealKey = parseResultSealKey(await resultSealKeyOf(keys[0]));
  const opened = async ({ sealedKey }: { sealedKey?: string | null }, bytes: Uint8Array) => {
    const key = await openEnvelope(keys, sealedKey ?? "", "job_1 speech.segments");
    return Buffer.from(await through(openingStream(key), new Uint8Array(bytes)));
  };
  try {
    const small: TaskResult = { ...HEAD, speech_ratio: 0.5, text: "hello", segments: [{ start: 1, end: 2 }] };
    const inRow = await storeResult(small, LEASE, { db, blobs, resultSealKey });
    expect(inRow).toMatchObject({ keyId: "r1", blobKey: null, summary: { speech_ratio: 0.5 } });
    expect(inRow.summary).not.toHaveProperty("text");
    expect(JSON.stringify(inRow)).not.toMatch(/hello|"start"|segments":/);
    expect((await opened(inRow, Buffer.from(inRow.body ?? "", "base64"))).toString()).toBe(
      JSON.stringify(small),
    );

    const large: TaskResult = { ...HEAD, text: "hello".repeat(60_000) };
    const { blobKey, ...stored } = await storeResult(large, LEASE, { db, blobs, resultSealKey });
    expect(stored).toMatchObject({ body: null, keyId: "r1" });
    const blob = await readFile(join(directory, blobKey ?? ""));
    expect(() => gunzipSync(blob)).toThrow();
    expect(gunzipSync(await opened(stored, blob)).toString()).toBe(JSON.stringify(large));

    const music: TaskResult = { ...HEAD, task: "music.tags" };
    expect(await storeResult(music, LEASE, { db, blobs, resultSealKey })).toMatchObject({
      body: JSON.stringify(music),
      keyId: null,
      sealedKey: null,
    });
  } finally {
    await close();
    await rm(directory, { recursive: true, force: true });
  }
});

test("what is pooled can be filtered by: scalars, scores by label and lists of names, nothing over time", async () => {
  const pooled = {
    tempo_bpm: 120,
    key: "C",
    scores: { rock: 0.5 },
    heads: { mood_happy: { happy: 0.9, non_happy: 0.1 } },
    tags: { strict: [], regular: ["happy"] },
  };
  const overTime = {
    vector: [1, 2],
    silences: [{ start: 0, end: 1 }],
    segments: { timestamps_seconds: [0], values: { rock: [0.5] } },
    nothing: null,
  };
  const result: TaskResult = { ...HEAD, task: "music.mood", ...pooled, ...overTime };
  await using database = await createTestDatabase();
  const { db, close } = openDatabase({ url: database.urls.worker, name: "test" });
  const directory = await mkdtemp(join(tmpdir(), "earshot-test-results-"));
  try {
    const blobs = await openBlobs(`file://${directory}`);
    expect((await storeResult(result, LEASE, { db, blobs })).summary).toEqual(pooled);
  } finally {
    await close();
    await rm(directory, { recursive: true, force: true });
  }
});

test("vectors of results are kept for the search with length 1", () => {
  const head = { ...HEAD, task: "music.embedding" };
  const failed = { ...head, status: "failed", error: { code: "input_too_short", message: "" } } as const;
  expect(
    embeddingsOf([
      { ...HEAD, speech_ratio: 0.5 },
      { ...head, space: "m@1", vector: [3, 0, -4] },
      { ...head, space: "m@2", vector: [0, 0] },
      failed,
    ]),
  ).toEqual([{ space: "m@1", vec: [0.6, 0, -0.8] }]);
});
