import { parseApiKey } from "@earshot/shared/crypto/api-keys";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf, refusalOf } from "../answer.ts";
import { sealedResult } from "../sealed-result.ts";
import { claimAndFinish } from "../worker-stand-in.ts";
import type { FrontDoor, ResultRoom } from "./front-door.ts";

interface Line {
  type: string;
  row: Record<string, unknown>;
  body?: unknown;
  job_id?: string;
  rows?: number;
}

const JOB = { input: { url: "https://example.com/a.wav" }, tasks: ["speech.segments"], metadata: { n: "1" } };
const SAID = { task: "speech.segments", status: "succeeded", segments: [{ start: 1, end: 2 }] };

/** Taking an account's data along, and ending it, the same in every runtime. */
export function describeAccount(open: () => Promise<FrontDoor & ResultRoom>): void {
  describe("an account", () => {
    let door: FrontDoor & ResultRoom;
    beforeAll(async () => void (door = await open()));
    afterAll(() => door[Symbol.asyncDispose]());

    test("is exported with its jobs and their opened results, and without anybody's secret", async () => {
      const caller = await door.addCaller();
      const stranger = await door.addCaller();
      await door.send("POST", "/v1/jobs", { json: JOB, as: stranger });
      const ids: string[] = [];
      for (const inBlob of [false, true]) {
        const { id } = await bodyOf(await door.send("POST", "/v1/jobs", { json: JOB, as: caller }));
        const stored = await sealedResult(door, id, JSON.stringify(SAID), inBlob);
        await claimAndFinish(door.owner.db, id, { results: [stored] });
        ids.push(id);
      }
      const made = await door.send("POST", "/v1/api-keys", {
        json: { name: "k", scopes: ["jobs:read"] },
        as: caller,
      });
      const { key } = await bodyOf<{ key: string }>(made);
      const response = await door.send("GET", "/v1/account/export", { as: caller });
      expect([response.status, response.headers.get("Content-Type")]).toEqual([200, "application/x-ndjson"]);
      const text = await response.text();
      const lines = text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Line);
      expect(lines.at(-1)).toMatchObject({ type: "end", rows: lines.length - 3 });
      const jobs = lines.filter(({ type }) => type === "job");
      expect(jobs.map(({ row }) => row["id"]).toSorted()).toEqual(ids.toSorted());
      expect(jobs[0]?.row["metadata"]).toEqual({ n: "1" });
      const results = lines.filter(({ type }) => type === "result");
      expect(results.map(({ body }) => body)).toEqual([SAID, SAID]);
      expect(new Set(lines.map(({ type }) => type))).toEqual(
        new Set(["account", "api_key", "usage", "job", "result", "event", "audit_entry", "end"]),
      );
      expect(text).not.toContain(stranger.accountId);
      // Neither a key, nor its hash, nor a sealed secret.
      const rows = await door.owner.sql`
        select secret_hash as secret from api_keys where account_id = ${caller.accountId}
        union all select webhook_secret_sealed from accounts where id = ${caller.accountId}
        union all select sealed_key from task_results where job_id in ${door.owner.sql(ids)}`;
      expect(rows.length).toBeGreaterThanOrEqual(4);
      for (const secret of [parseApiKey(key)?.secret, ...rows.map((row) => row["secret"])])
        expect(text).not.toContain(secret);
    });

    test("tells nobody in its export what he may not read otherwise", async () => {
      const viewer = await door.addCaller({ scopes: ["account:read", "jobs:read"] });
      await door.send("GET", "/v1/account/export", { as: viewer });
      const text = await (await door.send("GET", "/v1/account/export", { as: viewer })).text();
      const lines = text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Line & { left_out?: string[] });
      // The first export stands in the audit log, and its key in the list of keys: neither is his to see.
      expect(new Set(lines.map(({ type }) => type))).toEqual(new Set(["account", "end"]));
      expect(lines.at(-1)?.left_out).toContain("audit_entry");
      expect(lines.at(-1)?.left_out).not.toContain("job");
    });

    test("is deleted by its id alone, and its keys are dead at once", async () => {
      const caller = await door.addCaller();
      const remove = (query: string) => door.send("DELETE", `/v1/account${query}`, { as: caller });
      expect(await refusalOf(await remove(""))).toMatchObject({ status: 400 });
      expect(await refusalOf(await remove(`?confirm=${door.caller.accountId}`))).toMatchObject({
        status: 400,
      });
      expect((await door.send("GET", "/v1/me", { as: caller })).status).toBe(200);
      const response = await remove(`?confirm=${caller.accountId}`);
      expect([response.status, await bodyOf<object>(response)]).toEqual([
        202,
        { id: caller.accountId, status: "deleting" },
      ]);
      expect((await door.send("GET", "/v1/me", { as: caller })).status).toBe(401);
      expect((await door.send("GET", "/v1/me")).status).toBe(200);
      const acts = await door.owner.sql`
        select actor_kind, outcome from audit_log where action = 'account.delete' and target = ${caller.accountId}`;
      expect([...acts]).toEqual([{ actor_kind: "api_key", outcome: "success" }]);
    });

    test("is ended by nobody who may only work in it", async () => {
      const member = await door.addCaller({ scopes: ["jobs:write", "keys:write", "account:read"] });
      const refused = await door.send("DELETE", `/v1/account?confirm=${member.accountId}`, { as: member });
      expect(await refusalOf(refused)).toMatchObject({ status: 403 });
    });
  });
}
