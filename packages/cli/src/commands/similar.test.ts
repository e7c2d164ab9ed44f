import { startReceiver } from "@earshot/testkit/receiver";
import type { Receiver } from "@earshot/testkit/receiver";
import { expect, test } from "vitest";
import { jsonLines, runCli } from "./testing/run-cli.ts";

const FOUND = {
  space: "m@1",
  exact: true,
  data: [
    {
      job_id: "job_2",
      score: 0.93,
      created_at: "2030-01-02T03:04:05.000Z",
      metadata: { path: "a/b.mp3" },
      tags: { artist: "A", title: "T" },
    },
  ],
};

const similar = (api: Receiver, ...args: string[]) =>
  runCli(["similar", ...args, "--url", api.url], { env: { EARSHOT_API_KEY: "ek_1" } });

test("what is like several jobs, one a line, asked with the filter and the limit", async () => {
  await using api = await startReceiver();
  api.script({ status: 200, body: JSON.stringify(FOUND) });
  const filter = { metadata: { shelf: "a" } };
  const run = await similar(api, "job_1", "job_3", "--limit", "5", "--filter", JSON.stringify(filter));
  expect(api.requests.map(({ method, path, body }) => [method, path, JSON.parse(body)])).toEqual([
    ["POST", "/v1/search/similar", { job_ids: ["job_1", "job_3"], limit: 5, filter }],
  ]);
  expect(run).toEqual({ status: 0, stdout: "job_2  0.9300  a/b.mp3  A  T\n", stderr: "" });
});

test("what an index answered is said to be so; --exact asks for every vector", async () => {
  await using api = await startReceiver();
  api.script({ status: 200, body: JSON.stringify({ ...FOUND, exact: false }) });
  const run = await similar(api, "job_1", "--exact");
  expect(JSON.parse(api.requests[0]?.body ?? "")).toEqual({ job_ids: ["job_1"], exact: true });
  expect(run).toMatchObject({ status: 0, stderr: expect.stringContaining("--exact compares every vector") });
});

test("--json is the answer as the API gives it; a filter that is no JSON is wrong usage", async () => {
  await using api = await startReceiver();
  api.script({ status: 200, body: JSON.stringify(FOUND) });
  expect(jsonLines(await similar(api, "job_1", "--json"))).toEqual([FOUND]);
  expect((await similar(api, "job_1", "--filter", "{")).status).toBe(2);
});
