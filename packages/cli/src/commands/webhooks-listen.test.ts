import { Earshot } from "@earshot/sdk";
import { newWebhookSecret, signWebhook } from "@earshot/shared/crypto/webhook-signatures";
import { startReceiver } from "@earshot/testkit/receiver";
import { expect, test } from "vitest";
import type { Terminal } from "./terminal.ts";
import { listen } from "./webhooks-listen.ts";

const BODY = '{"type":"job.succeeded","timestamp":"2026-11-25T12:00:00Z","data":{"id":"job_1"}}';

/** A terminal that remembers what is printed, and is left by `leave`. */
function openTerminal() {
  const left = new AbortController();
  const printed = { out: [] as string[], err: [] as string[] };
  const terminal: Terminal = {
    env: {},
    out: (text) => void printed.out.push(text),
    err: (text) => void printed.err.push(text),
    progress: { write() {} },
    signal: left.signal,
  };
  return { terminal, printed, leave: () => left.abort() };
}

/** An API that has one event to tell, signed with the listener's secret or with another one. */
async function startApiOf(secretFor: (asked: string) => string) {
  const api = await startReceiver();
  const fetched: typeof fetch = async (_, init) => {
    const { secret, after } = JSON.parse(String(init?.body)) as { secret: string; after?: number };
    if (after === undefined) return Response.json({ data: [], next_after: 1 });
    if (after === 2)
      return new Promise((_, reject) =>
        init?.signal?.addEventListener("abort", () => reject(new Error("aborted"))),
      );
    const timestampSeconds = Math.floor(Date.now() / 1_000);
    const headers = await signWebhook({ id: "evt_1", timestampSeconds, body: BODY }, [secretFor(secret)]);
    const event = { id: "evt_1", type: "job.succeeded", sequence: 2, body: BODY, headers };
    return Response.json({ data: [event], next_after: 2 });
  };
  return { app: api, earshot: new Earshot({ baseUrl: "http://api.test", apiKey: "ek", fetch: fetched }) };
}

test("an event is posted as it was signed, told in a line, and Ctrl-C is a good end", async () => {
  const { app, earshot } = await startApiOf((asked) => asked);
  await using _ = app;
  const { terminal, printed, leave } = openTerminal();
  app.script({ status: 418 });
  const listening = listen(earshot, { forwardTo: `${app.url}/hook` }, terminal);
  const request = await app.next();
  expect(request).toMatchObject({
    method: "POST",
    path: "/hook",
    body: BODY,
    headers: { "webhook-id": "evt_1" },
  });
  while (printed.out.length === 0) await new Promise(setImmediate);
  expect(printed.out[0]).toMatch(/^job\.succeeded  evt_1  418  \d+ ms$/);
  leave();
  await listening;
});

test("what is not signed with the secret of the session goes no further", async () => {
  const { app, earshot } = await startApiOf(() => newWebhookSecret());
  await using _ = app;
  const { terminal } = openTerminal();
  await expect(listen(earshot, { forwardTo: app.url }, terminal)).rejects.toThrow("No signature");
  expect(app.requests).toHaveLength(0);
});
