import { startReceiver } from "@earshot/testkit/receiver";
import type { Receiver } from "@earshot/testkit/receiver";
import { expect, test } from "vitest";
import { jsonLines, runCli } from "./testing/run-cli.ts";

const JOB = {
  id: "job_1",
  status: "failed",
  created_at: "2030-01-02T03:04:05.000Z",
  progress: null,
  error: { code: "no_audio", message: "There is no sound in it." },
  tasks: [{ task: "audio.features" }, { task: "music.tags" }],
};

const PAGE = { data: [JOB], has_more: true, next_cursor: "more" };

const jobs = (api: Receiver, ...args: string[]) =>
  runCli(["jobs", ...args, "--url", api.url], { env: { EARSHOT_API_KEY: "ek_1" } });

const asked = ({ requests }: Receiver) => requests.map(({ method, path }) => `${method} ${path}`);

test("list asks for the jobs of a state and shows one a line", async () => {
  await using api = await startReceiver();
  api.script({ status: 200, body: JSON.stringify(PAGE) });
  const run = await jobs(api, "list", "--status", "failed", "--limit", "1");
  expect(asked(api)).toEqual(["GET /v1/jobs?status=failed&limit=1"]);
  expect(run).toEqual({
    status: 0,
    stdout: "job_1  failed     2030-01-02T03:04:05.000Z  audio.features, music.tags\n",
    stderr: "There are more; --limit and --status choose among them.\n",
  });
});

test("list --json is the page as the API gives it", async () => {
  await using api = await startReceiver();
  api.script({ status: 200, body: JSON.stringify(PAGE) });
  const run = await jobs(api, "list", "--json");
  expect(asked(api)).toEqual(["GET /v1/jobs"]);
  expect(jsonLines(run)).toEqual([PAGE]);
  expect(run.stderr).toBe("");
});

test.each([
  ["--limit", "0"],
  ["--limit", "101"],
  ["--limit", "many"],
  ["--status", "lost"],
])("list %s %s is wrong usage, and nothing is asked", async (option, value) => {
  await using api = await startReceiver();
  const run = await jobs(api, "list", option, value);
  expect(run.status).toBe(2);
  expect(run.stderr).toContain(option);
  expect(api.requests).toEqual([]);
});

test("retry shows the new job", async () => {
  await using api = await startReceiver();
  const again = { ...JOB, id: "job_2", status: "queued", error: null, retried_from: "job_1" };
  api.script({ status: 202, body: JSON.stringify(again) });
  expect(await jobs(api, "retry", "job_1")).toEqual({ status: 0, stdout: "job_2 queued\n", stderr: "" });
  expect(asked(api)).toEqual(["POST /v1/jobs/job_1/retry"]);
  expect(api.requests[0]?.headers["idempotency-key"]).toBeDefined();
});

test("delete says what it deleted, and of a job that isn't there what the API says", async () => {
  await using api = await startReceiver();
  const problem = { code: "not_found", title: "There is no such job." };
  api.script({ status: 204 }, { status: 404, body: JSON.stringify(problem) });
  const run = await jobs(api, "delete", "job_1", "--json");
  expect(jsonLines(run)).toEqual([{ deleted: "job_1" }]);
  const missing = await jobs(api, "delete", "job_1");
  expect(missing).toEqual({ status: 1, stdout: "", stderr: "earshot: There is no such job.\n" });
  expect(asked(api)).toEqual(["DELETE /v1/jobs/job_1", "DELETE /v1/jobs/job_1"]);
});
