import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startPostgres } from "@earshot/cli/stack/postgres";
import { migrate } from "@earshot/shared/db/migrate";
import { silentLog } from "@earshot/shared/log";
import postgres from "postgres";
import type { TestDatabase } from "./database.ts";
import { until } from "./until.ts";

const MIGRATIONS = fileURLToPath(new URL("../../../migrations", import.meta.url));

export interface RestartablePostgres extends AsyncDisposable {
  urls: TestDatabase["urls"];
  restart(): Promise<void>;
  /** SIGKILL of the postmaster, and a start after it. */
  crash(): Promise<void>;
}

/** A server of one test, which it may stop and start while clients hold connections. */
export async function startRestartablePostgres(): Promise<RestartablePostgres> {
  const home = await mkdtemp(join(tmpdir(), "earshot-test-restarts-"));
  await chmod(home, 0o711);
  const start = (port?: number) => startPostgres({ directory: home, port, log: silentLog });
  let server = await start();
  const { port, password, ownerUrl } = server;
  const admin = postgres(ownerUrl, { max: 1, onnotice() {} });
  await migrate(admin, MIGRATIONS);
  for (const role of ["api", "worker", "deliver"]) {
    await admin.unsafe(`alter role earshot_${role} login password '${password}'`);
  }
  await admin.end();
  const urlOf = (role: string) => ownerUrl.replace("//postgres:", `//${role}:`);
  return {
    urls: {
      owner: ownerUrl,
      api: urlOf("earshot_api"),
      worker: urlOf("earshot_worker"),
      deliver: urlOf("earshot_deliver"),
    },
    async restart() {
      await server.stop();
      server = await start(port);
    },
    async crash() {
      const postmaster = (await readFile(join(home, "pg", "postmaster.pid"), "utf8")).split("\n")[0];
      process.kill(Number(postmaster), "SIGKILL");
      // Its children need a moment to find out; until then the directory is theirs.
      server = await until(() => start(port), {
        timeoutMs: 60_000,
        describe: "Postgres to start after a crash",
      });
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
