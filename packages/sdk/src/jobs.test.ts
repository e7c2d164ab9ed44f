import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { startReceiver } from "@earshot/testkit/receiver";
import { until } from "@earshot/testkit/until";
import { describe, expect, test } from "vitest";
import { Earshot } from "./earshot.ts";
import type { JobEvent } from "./jobs.ts";

const clientOf = (baseUrl: string) => new Earshot({ baseUrl, apiKey: "ek", firstPauseMs: 1 });

const sse = (id: string, event: string, data: object) =>
  `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
const QUEUED = sse("0-queued", "status", { status: "queued", attempt: 0, at: null });
const RUNNING = sse("1-running", "status", { status: "running", attempt: 1, at: null });
const HALF = sse("1-running:decoding:0.5", "progress", { stage: "decoding", fraction: 0.5, attempt: 1 });
const ENDED = { id: "job_1", status: "succeeded", progress: null };
const END = sse("1-succeeded", "end", ENDED);

interface StreamServer extends AsyncDisposable {
  url: string;
  /** `Last-Event-ID` of each request. */
  lastIds: (string | undefined)[];
  open(): number;
}

/** Answers each request by the next handler, the last one again and again. */
async function serveStreams(
  ...handlers: ((response: ServerResponse, request: IncomingMessage) => void)[]
): Promise<StreamServer> {
  const lastIds: (string | undefined)[] = [];
  let open = 0;
  const server = createServer((request, response) => {
    const handler = handlers[Math.min(lastIds.length, handlers.length - 1)];
    const lastId = request.headers["last-event-id"];
    lastIds.push(typeof lastId === "string" ? lastId : undefined);
    open += 1;
    response.once("close", () => void (open -= 1));
    handler?.(response, request);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lastIds,
    open: () => open,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

const streaming =
  (...chunks: string[]) =>
  (response: ServerResponse) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(chunks.join(""));
  };

async function idsOf(events: AsyncIterable<JobEvent>): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of events) ids.push(id);
  return ids;
}

describe("the events of a job", () => {
  test("are told in order until the end, and comments are not", async () => {
    await using server = await serveStreams(
      streaming("retry: 2000\n\n", QUEUED, ": heartbeat\n\n", RUNNING, HALF, END),
    );
    const heard: JobEvent[] = [];
    for await (const event of clientOf(server.url).jobs.events("job_1")) heard.push(event);
    expect(heard.map(({ event }) => event)).toEqual(["status", "status", "progress", "end"]);
    expect(heard.at(-1)).toEqual({ id: "1-succeeded", event: "end", data: ENDED });
    expect(server.lastIds).toEqual([undefined]);
  });

  test("go on after a connection that ended, or broke, where they were", async () => {
    await using server = await serveStreams(
      streaming(QUEUED),
      (response) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write(RUNNING, () => response.destroy());
      },
      streaming(HALF, END),
    );
    expect(await idsOf(clientOf(server.url).jobs.events("job_1"))).toEqual([
      "0-queued",
      "1-running",
      "1-running:decoding:0.5",
      "1-succeeded",
    ]);
    expect(server.lastIds).toEqual([undefined, "0-queued", "1-running"]);
  });

  test("cut into any pieces are the same, and half an event is none", async () => {
    const text = [
      QUEUED,
      HALF.replaceAll("\n", "\r\n"),
      sse("1-succeeded", "end", { ...ENDED, who: "Zo\u00eb" }),
    ].join("");
    await using server = await serveStreams((response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      for (const byte of Buffer.from(text)) response.write(Buffer.of(byte));
      response.end();
    }, streaming("id: never\nevent: end\ndata: {}\n"));
    const heard: JobEvent[] = [];
    for await (const event of clientOf(server.url).jobs.events("job_1")) heard.push(event);
    expect(heard.map(({ id }) => id)).toEqual(["0-queued", "1-running:decoding:0.5", "1-succeeded"]);
    expect(heard.at(-1)?.data).toMatchObject({ who: "Zo\u00eb" });
  });

  test("that were heard to their end are no more: 204", async () => {
    await using server = await serveStreams((response) => void response.writeHead(204).end());
    expect(await idsOf(clientOf(server.url).jobs.events("job_1", { lastEventId: "1-succeeded" }))).toEqual(
      [],
    );
    expect(server.lastIds).toEqual(["1-succeeded"]);
  });

  test("of a job that is not there are an error", async () => {
    await using server = await serveStreams((response) => void response.writeHead(404).end());
    await expect(idsOf(clientOf(server.url).jobs.events("job_1"))).rejects.toMatchObject({ status: 404 });
  });

  test("that nobody listens to any more hold no connection", async () => {
    await using server = await serveStreams((response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(QUEUED);
    });
    for await (const { id } of clientOf(server.url).jobs.events("job_1")) if (id === "0-queued") break;
    await until(() => server.open() === 0, { describe: "no open connection" });
  });

  test("end with the reason of the signal", async () => {
    const leaving = new AbortController();
    const reason = new Error("enough");
    await using server = await serveStreams((response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(QUEUED);
    });
    const listening = (async () => {
      for await (const _ of clientOf(server.url).jobs.events("job_1", { signal: leaving.signal }))
        leaving.abort(reason);
    })();
    await expect(listening).rejects.toBe(reason);
    await until(() => server.open() === 0, { describe: "no open connection" });
  });
});

describe("waiting for the end", () => {
  test("by events tells of states and progress, and answers the job", async () => {
    await using server = await serveStreams(streaming(QUEUED, RUNNING, HALF, END));
    const seen: unknown[] = [];
    const job = await clientOf(server.url).jobs.wait("job_1", {
      onProgress: ({ status, progress }) => void seen.push([status, progress?.fraction ?? null]),
    });
    expect(job).toEqual(ENDED);
    expect(seen).toEqual([
      ["queued", null],
      ["running", null],
      ["running", 0.5],
      ["succeeded", null],
    ]);
  });

  test("by polls asks with requests that wait, until the job has ended", async () => {
    await using api = await startReceiver();
    const answer = (job: object) => ({ status: 200, body: JSON.stringify(job) });
    api.script(
      answer({ id: "job_1", status: "running", progress: { stage: "decoding", fraction: 0.5 } }),
      answer(ENDED),
    );
    const seen: string[] = [];
    const options = {
      by: "poll",
      onProgress: ({ status }: { status: string }) => void seen.push(status),
    } as const;
    expect(await clientOf(api.url).jobs.wait("job_1", options)).toEqual(ENDED);
    expect(seen).toEqual(["running", "succeeded"]);
    expect(api.requests.map(({ path }) => path)).toEqual([
      "/v1/jobs/job_1?wait=25",
      "/v1/jobs/job_1?wait=25",
    ]);
  });

  test("for a job that had ended when it was made asks nothing more", async () => {
    await using api = await startReceiver();
    api.script({ status: 202, body: JSON.stringify(ENDED) });
    const request = { input: { url: "https://example.com/a.mp3" }, tasks: ["audio.features" as const] };
    expect(await clientOf(api.url).jobs.createAndWait(request, { idempotencyKey: "k" })).toEqual(ENDED);
    expect(api.requests).toHaveLength(1);
  });
});
