import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDatabase } from "@earshot/shared/db/database";
import { createLog } from "@earshot/shared/log";
import { keepPostgres } from "../stack/keep-postgres.ts";
import { runCli } from "./testing/run-cli.ts";

let home: string;
beforeAll(async () => (home = await mkdtemp(join(tmpdir(), "earshot-test-setup-"))));
afterAll(() => rm(home, { recursive: true, force: true }));

const FILES = ["seal-keys", "result-keys", "result-seal-key", "url-key", "audit-key", "api-key"];
const LOGINS = ["database-url-api", "database-url-worker", "database-url-deliver"];

test("a machine's database, keys, logins and account are made once, and kept at each later start", async () => {
  const quiet = { log: createLog("test", () => {}), onNotice() {} };
  const server = await keepPostgres(home, quiet, new AbortController().signal);
  try {
    const owner = openDatabase({ url: server.ownerUrl, name: "test", max: 1 });
    await owner.sql`create database earshot`;
    await owner.close();
    const env = {
      EARSHOT_DATABASE_URL: server.ownerUrl.replace(/\/postgres$/, "/earshot"),
      EARSHOT_HOME: home,
    };
    const read = () => Promise.all([...FILES, ...LOGINS].map((name) => readFile(join(home, name), "utf8")));
    expect(await runCli(["database", "setup"], { env })).toMatchObject({ status: 0, stderr: "" });
    const made = await read();
    expect(await runCli(["database", "setup"], { env })).toMatchObject({ status: 0, stderr: "" });
    expect(await read()).toEqual(made);
    for (const login of made.slice(FILES.length)) {
      const { sql, close } = openDatabase({ url: login.trim(), name: "test", max: 1 });
      expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
      await close();
    }
  } finally {
    await server.stop();
  }
});
