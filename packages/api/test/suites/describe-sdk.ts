import { Earshot } from "@earshot/sdk";
import { sha256Hex } from "@earshot/shared/crypto/bytes";
import { newWebhookSecret, signWebhook } from "@earshot/shared/crypto/webhook-signatures";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Caller } from "../caller.ts";
import { claim, claimAndFinish, finish } from "../worker-stand-in.ts";
import type { ReachableDoor } from "./front-door.ts";

const JOB = { input: { url: "https://example.com/a.wav" }, tasks: ["audio.features" as const] };

/** The SDK in the runtime of the suite, against the real front door. */
export function describeSdk(open: () => Promise<ReachableDoor>): void {
  describe("the SDK", () => {
    let door: ReachableDoor;
    let client: Earshot;
    beforeAll(async () => {
      door = await open();
      client = clientOf(door.caller);
    });
    afterAll(() => door[Symbol.asyncDispose]());

    function clientOf({ key }: Caller): Earshot {
      return new Earshot({
        baseUrl: door.origin,
        apiKey: key,
        fetch: (url, init) => door.fetch(String(url), init),
      });
    }

    test("submits, looks, lists, cancels, retries and deletes", async () => {
      const made = await client.jobs.create({ ...JOB, metadata: { album: "Blå" } });
      expect(await client.jobs.get(made.id)).toEqual(made);
      const canceled = await client.jobs.cancel(made.id);
      expect(canceled.status).toBe("canceled");
      const again = await client.jobs.retry(made.id);
      expect(again.retried_from).toBe(made.id);
      const found: string[] = [];
      for await (const job of client.jobs.list({ limit: 1, metadata: { album: "Blå" } })) found.push(job.id);
      expect(found).toEqual([again.id, made.id]);
      await client.jobs.delete(made.id);
      await expect(client.jobs.get(made.id)).rejects.toMatchObject({ status: 410, code: "gone" });
    });

    test("one idempotency key is one job", async () => {
      const idempotencyKey = `sdk-${crypto.randomUUID()}`;
      const first = await client.jobs.create(JOB, { idempotencyKey });
      expect(await client.jobs.create(JOB, { idempotencyKey })).toEqual(first);
      await expect(
        client.jobs.create({ ...JOB, priority: "high" }, { idempotencyKey }),
      ).rejects.toMatchObject({
        status: 422,
        code: "idempotency_key_reused",
      });
    });

    test("a refusal tells the fields, and the id of the request", async () => {
      const refused = client.jobs.create({ ...JOB, input: { url: "https://10.0.0.1/a.wav" } });
      await expect(refused).rejects.toMatchObject({
        name: "ApiError",
        status: 400,
        code: "validation_failed",
        requestId: expect.any(String),
        errors: [{ pointer: "/input/url" }],
      });
      await expect(client.jobs.get("job_01ARZ3NDEKTSV4RRFFQ69G5FAV")).rejects.toMatchObject({
        code: "not_found",
      });
    });

    test.each(["events", "poll"] as const)("waits for the end by %s, and reads the results", async (by) => {
      const { id } = await client.jobs.create(JOB);
      const lease = await claim(door.owner.db, id);
      const seen: string[] = [];
      const waiting = client.jobs.wait(id, { by, onProgress: ({ status }) => void seen.push(status) });
      await finish(door.owner.db, lease);
      expect(await waiting).toMatchObject({ id, status: "succeeded" });
      expect(seen.at(-1)).toBe("succeeded");
      const result = { task: "audio.features", status: "succeeded", loudness_lufs: -23 };
      expect((await client.jobs.result(id)).results).toEqual([result]);
      expect(await client.jobs.result(id, "audio.features")).toEqual(result);
    });

    test("makes a job and waits for it in one call, until it is told to stop", async () => {
      const idempotencyKey = `sdk-${crypto.randomUUID()}`;
      const { id } = await client.jobs.create(JOB, { idempotencyKey });
      const leaving = new AbortController();
      const reason = new Error("enough");
      const waiting = client.jobs.createAndWait(JOB, {
        idempotencyKey,
        signal: leaving.signal,
        onProgress: () => leaving.abort(reason),
      });
      await expect(waiting).rejects.toBe(reason);
      await claimAndFinish(door.owner.db, id);
      expect(await client.jobs.createAndWait(JOB, { idempotencyKey })).toMatchObject({
        id,
        status: "succeeded",
      });
    });

    test("uploads a file that a job can name", async () => {
      const bytes = wav();
      const options = { filename: "a.wav", contentType: "audio/wav", sha256: await sha256Hex(bytes) };
      const seen: number[] = [];
      const onProgress = ({ sentBytes }: { sentBytes: number }) => void seen.push(sentBytes);
      const upload = await client.uploads.create(bytes, { ...options, onProgress });
      expect(seen).toEqual([bytes.length]);
      const job = await client.jobs.create({ ...JOB, input: { upload_id: upload.id } });
      expect(job.status).toBe("queued");
    });

    test("tells who it is, and which models there are", async () => {
      expect(await client.me()).toMatchObject({ account_id: door.caller.accountId });
      const { data } = await client.models.list();
      expect(await client.models.get(data[0]?.id ?? "")).toEqual(data[0]);
    });

    test("tells what may be asked, and how much was", async () => {
      expect((await client.limits()).quotas.queued_jobs.used).toBeGreaterThan(0);
      expect((await client.usage()).jobs).toBeGreaterThan(0);
    });

    test("names endpoints for webhooks, changes them, rotates their secrets, tests and removes them", async () => {
      const { secret, ...made } = await client.webhookEndpoints.create({
        url: "https://hooks.example.com/a",
      });
      expect(await client.webhookEndpoints.list()).toContainEqual(made);
      const changed = await client.webhookEndpoints.update(made.id, { events: ["job.failed"] });
      expect(changed.events).toEqual(["job.failed"]);
      expect((await client.webhookEndpoints.rotateSecret(made.id)).secret).not.toBe(secret);
      const accounts = await client.webhookEndpoints.rotateAccountSecret({ grace_seconds: 60 });
      expect(accounts.previous_secret_until).not.toBeNull();
      const { event_id: eventId } = await client.webhookEndpoints.test(made.id);
      expect(await client.events.deliveries(eventId)).toMatchObject([
        { endpoint_id: made.id, status: "pending" },
      ]);
      expect(await client.events.get(eventId)).toMatchObject({ type: "webhook.test" });
      const sent = await client.events.redeliver(eventId);
      expect(sent.delivery_ids).toHaveLength(1);
      const attempts = [];
      for await (const attempt of client.webhookEndpoints.attempts(made.id)) attempts.push(attempt);
      expect(attempts).toEqual([]);
      const since = "2026-01-01T00:00:00Z";
      expect(await client.webhookEndpoints.recover(made.id, { since })).toMatchObject({ has_more: false });
      await client.webhookEndpoints.delete(made.id);
      await expect(client.webhookEndpoints.get(made.id)).rejects.toMatchObject({ status: 404 });
    });

    test("lists what happened, page by page", async () => {
      const { id } = await client.jobs.create(JOB);
      await claimAndFinish(door.owner.db, id);
      const types = [];
      for await (const { type } of client.events.list({ job_id: id, limit: 1 })) types.push(type);
      expect(types).toContain("job.succeeded");
    });

    test("sees nothing of another account", async () => {
      const { id } = await client.jobs.create(JOB);
      const stranger = clientOf(await door.addCaller());
      for (const work of [
        () => stranger.jobs.get(id),
        () => stranger.jobs.wait(id),
        () => stranger.jobs.cancel(id),
        () => stranger.jobs.result(id),
      ]) {
        await expect(work()).rejects.toMatchObject({ status: 404, code: "not_found" });
      }
    });

    test("opens a webhook of ours, and no other", async () => {
      const secret = newWebhookSecret();
      const body = '{"type":"job.succeeded","timestamp":"2026-11-25T12:00:00Z","data":{"id":"job_1"}}';
      const headers = await signWebhook(
        { id: "evt_1", timestampSeconds: Math.floor(Date.now() / 1000), body },
        [secret],
      );
      expect(await client.webhooks.unwrap(body, headers, secret)).toMatchObject({
        id: "evt_1",
        type: "job.succeeded",
      });
      await expect(client.webhooks.unwrap(`${body} `, headers, secret)).rejects.toThrow("No signature");
    });
  });
}

/** A tenth of a second of silence. */
function wav(): Uint8Array<ArrayBuffer> {
  const samples = 1_600;
  const bytes = new Uint8Array(44 + 2 * samples);
  const view = new DataView(bytes.buffer);
  const ascii = (text: string, at: number) => bytes.set(new TextEncoder().encode(text), at);
  ascii("RIFF", 0);
  view.setUint32(4, 36 + 2 * samples, true);
  ascii("WAVEfmt ", 8);
  for (const [at, value] of [
    [16, 16],
    [24, 16_000],
    [28, 32_000],
    [40, 2 * samples],
  ] as const)
    view.setUint32(at, value, true);
  for (const [at, value] of [
    [20, 1],
    [22, 1],
    [32, 2],
    [34, 16],
  ] as const)
    view.setUint16(at, value, true);
  ascii("data", 36);
  return bytes;
}
