import { expect, test } from "vitest";
import { eventStream } from "./event-stream.ts";
import type { ServerEvent } from "./event-stream.ts";

const NEVER_MS = 600_000;
const event = (n: number): ServerEvent => ({ id: String(n), event: "count", data: { n } });

function streamOf(events: AsyncGenerator<ServerEvent, void>, heartbeatMs = NEVER_MS) {
  const seen = { left: 0, errors: [] as unknown[] };
  const stream = eventStream(events, {
    heartbeatMs,
    onLeave: () => void seen.left++,
    onError: (error) => void seen.errors.push(error),
  });
  return { stream, seen };
}

test("an event is an id, a name and its data, and the stream ends with them", async () => {
  const { stream, seen } = streamOf(
    (async function* () {
      yield event(1);
      yield event(2);
    })(),
  );
  expect(await new Response(stream).text()).toBe(
    'retry: 2000\n\nid: 1\nevent: count\ndata: {"n":1}\n\nid: 2\nevent: count\ndata: {"n":2}\n\n',
  );
  expect(seen).toEqual({ left: 0, errors: [] });
});

test("silence is broken by comments, and no event is lost by them", async () => {
  const gate = Promise.withResolvers<void>();
  const { stream } = streamOf(
    (async function* () {
      await gate.promise;
      yield event(1);
    })(),
    5,
  );
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.split(": heartbeat\n\n").length > 3) gate.resolve();
  }
  expect(text).toMatch(/^retry: 2000\n\n(: heartbeat\n\n){3,}id: 1\nevent: count\ndata: \{"n":1\}\n\n$/);
});

test("a source that fails ends the stream, and is told to us alone", async () => {
  const { stream, seen } = streamOf(
    (async function* () {
      yield event(1);
      throw new Error("select secret");
    })(),
  );
  expect(await new Response(stream).text()).not.toContain("secret");
  expect(seen.errors).toEqual([new Error("select secret")]);
});

test("a client that goes away is told of at once, though nothing happens", async () => {
  const { stream, seen } = streamOf(
    (async function* () {
      yield event(1);
      await new Promise(() => {});
    })(),
  );
  const reader = stream.getReader();
  await reader.read();
  await reader.read();
  await reader.cancel();
  expect(seen.left).toBe(1);
});

test("who reads slowly makes nothing pile up", async () => {
  let made = 0;
  const { stream } = streamOf(
    (async function* () {
      for (;;) yield event(++made);
    })(),
  );
  const reader = stream.getReader();
  await reader.read();
  await reader.read();
  expect(made).toBeLessThan(4);
  await reader.cancel();
});
