import { fileURLToPath } from "node:url";
import * as z from "zod";
import type { BenchContext, Figure } from "../figure.ts";
import { openStack } from "../stack.ts";
import type { BenchStack } from "../stack.ts";
import { medianOf, rounded } from "../statistics.ts";

const REQUESTS = 300;
const WARM_UP = 60;
const MAIN = fileURLToPath(new URL("../bare-server.main.ts", import.meta.url));
const BODY = JSON.stringify({
  input: { url: "https://example.com/track.mp3" },
  tasks: ["audio.features"],
  metadata: { album: "one", track: "7" },
});

/** A submission against a bare route that inserts one row and sends one message, on the same Postgres and queue. */
export const submit: Figure = {
  name: "submit.overhead",
  async measure(context) {
    await using stack = await openStack(context, "submit");
    const [bareUrl] = await Promise.all([startBare(stack), stack.start("api")]);
    const { url, key } = stack.connection;
    const ours = () => post(`${url}/v1/jobs`, { authorization: `Bearer ${key}` });
    const bare = () => post(bareUrl, {});
    for (let i = 0; i < WARM_UP; i++) await Promise.all([ours(), bare()]);
    const [oursMs, bareMs] = await interleaved(context, ours, bare);
    return {
      figures: { "submit.overhead": { value: rounded(medianOf(oursMs) / medianOf(bareMs)), goal: 1.5 } },
      details: {
        submit_p50_ms: rounded(medianOf(oursMs)),
        bare_p50_ms: rounded(medianOf(bareMs)),
        requests: oursMs.length,
      },
    };
  },
};

async function interleaved(
  { quick }: BenchContext,
  ours: () => Promise<number>,
  bare: () => Promise<number>,
) {
  const [oursMs, bareMs]: [number[], number[]] = [[], []];
  for (let i = 0; i < (quick ? 10 : REQUESTS); i++) {
    oursMs.push(await ours());
    bareMs.push(await bare());
  }
  return [oursMs, bareMs] as const;
}

async function startBare(stack: BenchStack): Promise<string> {
  const env = {
    DATABASE_URL: stack.ownerUrl,
    QUEUE_URL: stack.queue.url,
    QUEUE_ENDPOINT: stack.queue.endpoint,
    AWS_EC2_METADATA_DISABLED: "true",
  };
  const { ready } = await stack.run({ name: "bare", main: MAIN, env, stopWithinMs: 1_000 });
  return `http://127.0.0.1:${z.object({ port: z.int() }).parse(ready).port}/bare`;
}

/** Milliseconds until the whole answer is there. A limited rate is waited for, and not measured. */
async function post(url: string, headers: Record<string, string>): Promise<number> {
  for (;;) {
    const start = performance.now();
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: BODY,
    });
    const text = await response.text();
    const took = performance.now() - start;
    if (response.status === 202) return took;
    if (response.status !== 429) throw new Error(`${url} answered ${response.status}: ${text}`);
    await new Promise((resolve) =>
      setTimeout(resolve, 1_000 * Number(response.headers.get("retry-after") ?? 1)),
    );
  }
}
