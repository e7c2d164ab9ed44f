import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { ChaosStack } from "./chaos-stack.ts";

/** A client as they should be: it asks again until it is answered, under the same key. */
export interface ChaosClient {
  upload(bytes: Uint8Array<ArrayBuffer>): Promise<string>;
  /** @returns the id of the job that was accepted. */
  submit(key: string, job: object): Promise<string>;
  cancel(jobId: string): Promise<void>;
}

const PATIENCE_MS = 5_000;
const PAUSE_MS = 100;

export function createChaosClient({ api, apiKey }: ChaosStack, giveUp: AbortSignal): ChaosClient {
  /** Until one of `expected` comes. Whatever else comes (no answer, 409 of a request that still runs, 5xx) is "not yet". */
  async function persist(path: string, body: object, expected: readonly number[], key?: string) {
    for (let last = "nothing"; ;) {
      if (giveUp.aborted) throw new Error(`the API gave no answer in time: ${path}; the last was ${last}`);
      try {
        const { port } = await api.ready();
        const response = await fetch(`http://127.0.0.1:${String(port)}${path}`, {
          method: "POST",
          headers: {
            authorization: `Bearer ${apiKey}`,
            "content-type": "application/json",
            ...(key !== undefined && { "idempotency-key": key }),
          },
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(PATIENCE_MS),
        });
        const text = await response.text();
        if (expected.includes(response.status)) return JSON.parse(text) as Record<string, unknown>;
        last = `${response.status} ${text}`;
      } catch (error) {
        last = String(error);
      }
      await delay(PAUSE_MS);
    }
  }

  return {
    async upload(bytes) {
      const announced = await persist(
        "/v1/uploads",
        {
          filename: "tone.wav",
          content_type: "audio/wav",
          size: bytes.byteLength,
          sha256: createHash("sha256").update(bytes).digest("hex"),
        },
        [201],
      );
      const headers = announced["headers"] as Record<string, string>;
      const put = await fetch(String(announced["put_url"]), { method: "PUT", headers, body: bytes });
      if (!put.ok) throw new Error(`the upload was refused: ${put.status} ${await put.text()}`);
      await persist(`/v1/uploads/${String(announced["id"])}/complete`, {}, [200]);
      return String(announced["id"]);
    },
    submit: async (key, job) => String((await persist("/v1/jobs", job, [202], key))["id"]),
    async cancel(jobId) {
      await persist(`/v1/jobs/${jobId}/cancel`, {}, [200, 202, 409]);
    },
  };
}
