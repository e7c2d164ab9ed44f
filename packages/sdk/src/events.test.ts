import { startReceiver } from "@earshot/testkit/receiver";
import { expect, test } from "vitest";
import { Earshot } from "./earshot.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const heard = (nextAfter: number, ...sequences: number[]) => ({
  status: 200,
  body: JSON.stringify({
    data: sequences.map((sequence) => ({
      id: `evt_${sequence}`,
      type: "job.succeeded",
      sequence,
      body: "{}",
      headers: {},
    })),
    next_after: nextAfter,
  }),
});

test("listening goes on after what was heard, from now on at first, and outlives an API that is away", async () => {
  await using api = await startReceiver();
  api.script(heard(7), heard(9, 8, 9), "reset", { status: 503 }, heard(9), heard(10, 10));
  const troubles: string[] = [];
  const options = { secret: SECRET, onTrouble: ({ name }: Error) => void troubles.push(name) };
  const seen: number[] = [];
  const client = new Earshot({ baseUrl: api.url, apiKey: "ek" });
  for await (const { sequence } of client.events.listen(options)) {
    seen.push(sequence);
    if (sequence === 10) break;
  }
  expect(seen).toEqual([8, 9, 10]);
  expect(troubles).toEqual(["ConnectionError", "ApiError"]);
  expect(api.requests.map(({ body }) => JSON.parse(body))).toEqual([
    { secret: SECRET, wait: 0 },
    ...[7, 9, 9, 9, 9].map((after) => ({ secret: SECRET, after, wait: 25 })),
  ]);
});

test("who stops listening asks no more", async () => {
  await using api = await startReceiver();
  api.script(heard(2, 1, 2));
  const client = new Earshot({ baseUrl: api.url, apiKey: "ek" });
  for await (const { sequence } of client.events.listen({ secret: SECRET, after: 0 }))
    if (sequence === 1) break;
  expect(api.requests).toHaveLength(1);
});

test("a refusal ends it, and so does the signal", async () => {
  await using api = await startReceiver();
  const client = new Earshot({ baseUrl: api.url, apiKey: "ek" });
  api.script({ status: 403 });
  await expect(client.events.listen({ secret: SECRET }).next()).rejects.toMatchObject({ status: 403 });
  const leaving = new AbortController();
  const reason = new Error("enough");
  api.script("hang");
  const next = client.events.listen({ secret: SECRET, signal: leaving.signal }).next();
  await api.next(({ path }) => path === "/v1/events/listen");
  leaving.abort(reason);
  await expect(next).rejects.toBe(reason);
});
