import { until } from "./until.ts";
import { expect, test } from "vitest";
import { startChaosStack } from "./chaos/chaos-stack.ts";
import { createChaosClient } from "./chaos/client.ts";
import { toneWav } from "./chaos/tone.ts";
import type { CollectedSpan } from "./collector.ts";
import { startCollector } from "./collector.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER = "00f067aa0ba902b7";

test("request, queue, job with its phases and webhook are one trace, each below the one that caused it", async () => {
  await using collector = await startCollector();
  await using stack = await startChaosStack({
    leaseSeconds: 30,
    env: { EARSHOT_OTLP_URL: collector.url, EARSHOT_OTLP_HEADERS: "x-tenant=test" },
  });
  const client = createChaosClient(stack, AbortSignal.timeout(60_000));
  const uploadId = await client.upload(toneWav(1));
  const { port } = await stack.api.ready();
  const response = await fetch(`http://127.0.0.1:${String(port)}/v1/jobs`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${stack.apiKey}`,
      "content-type": "application/json",
      traceparent: `00-${TRACE}-${CALLER}-01`,
    },
    body: JSON.stringify({
      input: { upload_id: uploadId },
      tasks: ["speech.segments"],
      webhook: { url: `${stack.receiver.url}/hook` },
    }),
  });
  expect(response.status).toBe(202);
  const hook = await stack.receiver.next();
  const names = ["POST /v1/jobs", "queue", "job", "fetch", "decode", "infer", "commit", "webhook"];
  const ofTrace = () => collector.spans.filter(({ traceId }) => traceId === TRACE);
  await until(() => names.every((name) => ofTrace().some((span) => span.name === name)), {
    timeoutMs: 20_000,
    describe: "all spans",
  });
  expect(collector.refused).toEqual([]);

  const spans = new Map(ofTrace().map((span) => [span.name, span]));
  const idOf = (name: string) => spans.get(name)?.spanId;
  const parentOf = (name: string) => spans.get(name)?.parentSpanId;
  expect(parentOf("POST /v1/jobs")).toBe(CALLER);
  for (const name of ["queue", "job", "webhook"]) expect(parentOf(name), name).toBe(idOf("POST /v1/jobs"));
  for (const name of ["fetch", "decode", "infer", "commit"]) expect(parentOf(name), name).toBe(idOf("job"));
  expect(hook.headers["traceparent"]).toBe(`00-${TRACE}-${idOf("webhook")}-01`);
  expect(names.map((name) => spans.get(name)?.service)).toEqual([
    "earshot-api",
    ...Array<string>(6).fill("earshot-worker"),
    "earshot-deliver",
  ]);
  const starts = ["queue", "job", "fetch", "decode", "commit", "webhook"].map((name) =>
    startOf(spans.get(name)),
  );
  expect(starts).toEqual(starts.toSorted((a, b) => a - b));
});

/** In milliseconds. */
function startOf(span: CollectedSpan | undefined): number {
  return Number(BigInt(span?.startTimeUnixNano ?? "0") / 1_000_000n);
}
