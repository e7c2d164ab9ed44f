import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import * as z from "zod";

const attribute = z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) });
const id = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
const nanoseconds = z.string().regex(/^\d{19}$/);

const span = z.object({
  traceId: id(32),
  spanId: id(16),
  parentSpanId: id(16).optional(),
  name: z.string().min(1),
  kind: z.int().min(1).max(5),
  startTimeUnixNano: nanoseconds,
  endTimeUnixNano: nanoseconds,
  attributes: z.array(attribute),
  status: z.object({ code: z.int().min(0).max(2), message: z.string().optional() }),
});

/** ExportTraceServiceRequest of OTLP 1.x, in its JSON form: ids in hex, 64-bit numbers as text. */
const request = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(attribute) }),
      scopeSpans: z.array(z.object({ spans: z.array(span) })),
    }),
  ),
});

export interface CollectedSpan extends z.output<typeof span> {
  service: string;
}

/** A stand-in for an OpenTelemetry collector: it takes what is OTLP and refuses the rest. */
export interface Collector extends AsyncDisposable {
  /** For EARSHOT_OTLP_URL. */
  url: string;
  spans: readonly CollectedSpan[];
  /** What was no OTLP. */
  refused: readonly string[];
  /** Requests are left without an answer until it is told to go on. */
  hang(): void;
  goOn(): void;
}

export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const refused: string[] = [];
  let hanging: PromiseWithResolvers<void> | null = null;
  const server = createServer(async (incoming, response) => {
    await hanging?.promise;
    const parsed = request.safeParse(await json(incoming).catch(() => null));
    if (!parsed.success || incoming.url !== "/v1/traces") {
      refused.push(parsed.error?.message ?? String(incoming.url));
      response.writeHead(400).end();
      return;
    }
    for (const { resource, scopeSpans } of parsed.data.resourceSpans) {
      const name = resource.attributes.find(({ key }) => key === "service.name");
      const service = String(name?.value["stringValue"]);
      spans.push(...scopeSpans.flatMap((scope) => scope.spans.map((one) => ({ ...one, service }))));
    }
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1/traces`,
    spans,
    refused,
    hang() {
      hanging ??= Promise.withResolvers();
    },
    goOn() {
      hanging?.resolve();
      hanging = null;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
