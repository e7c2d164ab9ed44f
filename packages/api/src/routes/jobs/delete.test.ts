import { readdir } from "node:fs/promises";
import { dueBlobDeletions } from "@earshot/shared/db/sweep";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../../test/api-under-test.ts";
import { claim, claimAndFinish, inBlob, succeeded } from "../../../test/worker-stand-in.ts";
import { createApp } from "../../app.ts";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());
beforeEach(async () => void (await api.owner.sql`delete from blob_deletions`));

const AUDIO = "RIFF....WAVE and then some sound";

async function uploaded(): Promise<string> {
  const json = { filename: "a.wav", content_type: "audio/wav", size: AUDIO.length };
  const { id } = await bodyOf(await api.send("POST", "/v1/uploads", { json }));
  await api.deps.blobs.write(`uploads/${id}`, new Blob([AUDIO]).stream());
  return id;
}

async function submitted(uploadId: string): Promise<string> {
  const json = {
    input: { upload_id: uploadId },
    tasks: ["speech.segments", "audio.features"],
    metadata: { patient: "7" },
  };
  return (await bodyOf(await api.send("POST", "/v1/jobs", { json }))).id;
}

/** With a result in its row, one in a blob, and a vector. */
async function ended(uploadId: string): Promise<string> {
  const id = await submitted(uploadId);
  const key = `results/${id}/1/speech.segments.json.gz`;
  await api.deps.blobs.write(key, new Blob(["zipped"]).stream());
  await claimAndFinish(api.owner.db, id, {
    results: [inBlob("speech.segments", key), succeeded("audio.features", "{}")],
    embeddings: [{ space: "s@1", vec: [1] }],
  });
  return id;
}

const remove = (id: string, via = api.app) => api.send("DELETE", `/v1/jobs/${id}`, { via });

async function filesOf(...ids: string[]): Promise<string[]> {
  const names = await readdir(api.blobDirectory, { recursive: true, withFileTypes: true });
  const files = names.filter((name) => name.isFile()).map((name) => `${name.parentPath}/${name.name}`);
  return files.filter((file) => ids.some((id) => file.includes(id)));
}

async function rowsOf(id: string): Promise<number> {
  const [row] = await api.owner.sql`
    select (select count(*) from task_results where job_id = ${id})
      + (select count(*) from embeddings where job_id = ${id}) as count`;
  return Number(row?.count);
}

/** What the deliverer's sweep does, once the URLs of uploads have expired. */
async function sweepBlobs(): Promise<string[]> {
  // A time of the database rounds to milliseconds, and so may lie ahead by half of one.
  await api.owner.sql`update blob_deletions set not_before = now() - interval '1 second'`;
  const keys = await dueBlobDeletions(api.owner.db);
  for (const key of keys) await api.deps.blobs.delete(key);
  return keys;
}

test("audio, results and vectors are gone from disk and database, and a tombstone is left", async () => {
  const uploadId = await uploaded();
  const id = await ended(uploadId);
  expect([(await filesOf(id, uploadId)).length, await rowsOf(id)]).toEqual([2, 3]);
  const response = await remove(id);
  expect([response.status, await response.text()]).toEqual([204, ""]);
  expect([await filesOf(id, uploadId), await rowsOf(id)]).toEqual([[], 0]);
  const [row] = await api.owner.sql`select metadata, input_info, options from jobs where id = ${id}`;
  expect(row).toEqual({ metadata: {}, input_info: null, options: {} });
  for (const path of ["", "/result", "/result/audio.features"]) {
    expect(await refusalOf(await api.send("GET", `/v1/jobs/${id}${path}`))).toMatchObject({ status: 410 });
  }
  const { data } = await bodyOf<{ data: { id: string }[] }>(await api.send("GET", "/v1/jobs?limit=100"));
  expect(data.map((job) => job.id)).not.toContain(id);
});

test("who deleted it stands in the audit log, and a refusal leaves no row there", async () => {
  const id = await ended(await uploaded());
  const response = await remove(id);
  expect((await remove("job_01ARZ3NDEKTSV4RRFFQ69G5FAV")).status).toBe(404);
  const rows = await api.owner.sql`
    select account_id, actor_kind, actor_id like 'key_%' as by_a_key, target, outcome, request_id
    from audit_log where action = 'job.delete' and target in (${id}, 'job_01ARZ3NDEKTSV4RRFFQ69G5FAV')`;
  expect([...rows]).toEqual([
    {
      account_id: api.caller.accountId,
      actor_kind: "api_key",
      by_a_key: true,
      target: id,
      outcome: "success",
      request_id: response.headers.get("X-Request-Id"),
    },
  ]);
});

test("the sweep removes what the request could not", async () => {
  const uploadId = await uploaded();
  const id = await ended(uploadId);
  const blobs = { ...api.deps.blobs, delete: () => Promise.reject(new Error("the bucket is away")) };
  expect((await remove(id, createApp({ ...api.deps, blobs }))).status).toBe(204);
  expect(await filesOf(id, uploadId)).toHaveLength(2);
  expect(api.logged).toContainEqual(expect.objectContaining({ level: "warn", event: "blob_not_deleted" }));
  expect(await sweepBlobs()).toHaveLength(2);
  expect(await filesOf(id, uploadId)).toEqual([]);
});

test("a file that is PUT again after the deletion goes when its URL has expired", async () => {
  const uploadId = await uploaded();
  await remove(await ended(uploadId));
  const [order] = await api.owner.sql`
    select not_before = (select put_expires_at from uploads where id = ${uploadId}) as later
    from blob_deletions where blob_key = ${`uploads/${uploadId}`}`;
  expect(order?.later).toBe(true);
  await api.deps.blobs.write(`uploads/${uploadId}`, new Blob([AUDIO]).stream());
  await sweepBlobs();
  expect(await filesOf(uploadId)).toEqual([]);
});

test("audio stays as long as another job uses it", async () => {
  const uploadId = await uploaded();
  const [first, second] = [await ended(uploadId), await ended(uploadId)];
  await remove(first);
  await sweepBlobs();
  expect(await filesOf(first)).toEqual([]);
  expect(await filesOf(uploadId)).toHaveLength(1);
  expect((await api.send("POST", `/v1/jobs/${second}/retry`)).status).toBe(202);
  await remove(second);
  // The retry is queued and needs it.
  expect(await filesOf(uploadId)).toHaveLength(1);
});

test("a live job is not deleted", async () => {
  const id = await submitted(await uploaded());
  expect(await refusalOf(await remove(id))).toMatchObject({ status: 409, code: "conflict" });
  await claim(api.owner.db, id);
  expect(await refusalOf(await remove(id))).toMatchObject({ status: 409, code: "conflict" });
});

test("deleting once more is no error, and finds audio that outlived the retention", async () => {
  const uploadId = await uploaded();
  const id = await ended(uploadId);
  await api.owner.sql`delete from task_results where job_id = ${id}`;
  await api.owner.sql`update jobs set deleted_at = '2026-01-01' where id = ${id}`;
  expect((await remove(id)).status).toBe(204);
  expect((await remove(id)).status).toBe(204);
  expect(await filesOf(uploadId)).toEqual([]);
  const [row] = await api.owner.sql`select deleted_at = '2026-01-01' as same from jobs where id = ${id}`;
  expect(row?.same).toBe(true);
});
