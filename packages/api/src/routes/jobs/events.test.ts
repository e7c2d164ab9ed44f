import { setTimeout as delay } from "node:timers/promises";
import { until } from "@earshot/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../../test/api-under-test.ts";
import { countingQueries } from "../../../test/counting-queries.ts";
import { openOnNode } from "../../../test/open-on-node.ts";
import { allEvents, readEvents } from "../../../test/read-events.ts";
import { describeEvents } from "../../../test/suites/describe-events.ts";
import { claim, finish } from "../../../test/worker-stand-in.ts";
import { createApp } from "../../app.ts";
import { serve } from "../../serve.node.ts";
import { watchJobs } from "../../watch-jobs.node.ts";

describeEvents(openOnNode);

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

const JOB = { input: { url: "https://example.com/a.wav" }, tasks: ["audio.features"] };
const submitted = async () => (await bodyOf(await api.send("POST", "/v1/jobs", { json: JOB }))).id;

/** A front door of its own, whose followers and questions are counted. */
async function countedDoor() {
  const counted = countingQueries(api.deps.db);
  const { sql } = api.owner;
  const watch = await watchJobs({ db: counted.db, sql });
  return { counted, watch, app: createApp({ ...api.deps, db: counted.db, watchJobs: watch }) };
}

test("a client that goes away over a real connection is followed by nobody any more", async () => {
  const id = await submitted();
  const { watch, app } = await countedDoor();
  const server = await serve(app, { host: "127.0.0.1", port: 0 });
  const leaving = new AbortController();
  const response = await fetch(`http://127.0.0.1:${server.port}/v1/jobs/${id}/events`, {
    headers: { Authorization: `Bearer ${api.caller.key}` },
    signal: leaving.signal,
  });
  const events = readEvents(response);
  expect((await events.next()).value).toMatchObject({ id: "0-queued" });
  expect(watch.followers).toBe(1);
  leaving.abort();
  await expect(events.next()).rejects.toThrow("aborted");
  await until(() => watch.followers === 0, { describe: "nobody follows" });
  await server.stop({ withinMs: 1_000 });
  await watch.close();
});

test("a HEAD, a refusal and an end leave nobody in the room", async () => {
  const id = await submitted();
  const { watch, app } = await countedDoor();
  const server = await serve(app, { host: "127.0.0.1", port: 0 });
  const headers = { Authorization: `Bearer ${api.caller.key}` };
  await api.send("POST", `/v1/jobs/${id}/cancel`);
  const url = `http://127.0.0.1:${server.port}/v1/jobs/${id}/events`;
  await allEvents(await fetch(url, { headers }));
  await (await fetch(url, { headers: { ...headers, "Last-Event-ID": "0-canceled" } })).text();
  const stranger = await api.addCaller();
  await (await fetch(url, { headers: { Authorization: `Bearer ${stranger.key}` } })).text();
  await fetch(url, { headers, method: "HEAD" });
  await until(() => watch.followers === 0, { describe: "nobody follows" });
  await server.stop({ withinMs: 1_000 });
  await watch.close();
});

test("a server that stops ends its streams, and the client can go on elsewhere", async () => {
  const id = await submitted();
  const { watch, app } = await countedDoor();
  const heard = allEvents(await api.send("GET", `/v1/jobs/${id}/events`, { via: app }));
  await until(() => watch.followers === 1, { describe: "it follows" });
  await watch.close();
  expect((await heard).map((event) => event.id)).toEqual(["0-queued"]);
});

test("1,000 who wait and 1,000 who listen cost their own look at the door and one question a change", async () => {
  const id = await submitted();
  const { counted, watch, app } = await countedDoor();
  const lease = await claim(api.owner.db, id);
  const waiting = Array.from({ length: 1_000 }, () =>
    api.send("GET", `/v1/jobs/${id}?wait=30`, { via: app }),
  );
  const listening = Array.from({ length: 1_000 }, async () =>
    allEvents(await api.send("GET", `/v1/jobs/${id}/events`, { via: app })),
  );
  await until(() => watch.followers === 2_000, { timeoutMs: 50_000, describe: "all follow" });
  await delay(0);
  const atTheDoor = counted.count();
  await finish(api.owner.db, lease);
  const jobs = await Promise.all(waiting);
  for (const heard of await Promise.all(listening)) expect(heard.at(-1)?.id).toBe("1-succeeded");
  expect(jobs.every(({ status }) => status === 200)).toBe(true);
  const forTheChange = counted.count() - atTheDoor;
  console.log(`2,000 followers: ${atTheDoor} questions at the door, ${forTheChange} for the end of the job`);
  // One look for all; a recheck may come in between.
  expect(forTheChange).toBeLessThanOrEqual(3);
  await watch.close();
}, 120_000);
