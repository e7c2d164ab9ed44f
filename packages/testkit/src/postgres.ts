import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "@earshot/cli/stack/postgres";
import type { EmbeddedPostgres } from "@earshot/cli/stack/postgres";
import { migrate } from "@earshot/shared/db/migrate";
import { silentLog } from "@earshot/shared/log";
import postgres from "postgres";

const ROLES = ["earshot_api", "earshot_worker", "earshot_deliver"] as const;
const TEMPLATE = "earshot_template";

/** How a test reaches the Postgres of the run. */
export interface PostgresOfRun {
  host: string;
  port: number;
  /** Of the superuser and of every role. */
  password: string;
  /** The database that holds every migration; copy it, don't connect to it. */
  template: string;
}

export interface TestPostgres extends PostgresOfRun {
  stop(): Promise<void>;
}

/** A data directory for one run: what a crash may lose is thrown away anyway. */
const FOR_TESTS = {
  fsync: "off",
  full_page_writes: "off",
  synchronous_commit: "off",
  max_connections: "200",
};

/** One server in a temporary directory, with a template that holds every migration and roles that can log in. */
export async function startTestPostgres(migrationsDirectory: string): Promise<TestPostgres> {
  await removeLeftovers();
  const directory = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
  const server = await startIn(directory);
  const stop = async () => {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await makeTemplate(server, migrationsDirectory);
  } catch (error) {
    await stop();
    throw error;
  }
  return { host: server.host, port: server.port, password: server.password, template: TEMPLATE, stop };
}

function startIn(directory: string): Promise<EmbeddedPostgres> {
  return startPostgres({ directory, settings: FOR_TESTS, log: silentLog });
}

async function makeTemplate(server: EmbeddedPostgres, migrationsDirectory: string): Promise<void> {
  const admin = postgres(server.ownerUrl, { max: 1, onnotice() {} });
  const template = postgres(server.ownerUrl, { database: TEMPLATE, max: 1, onnotice() {} });
  try {
    await admin`create database ${admin(TEMPLATE)}`;
    await migrate(template, migrationsDirectory);
    const roles = await admin<
      { rolname: string }[]
    >`select rolname from pg_roles where rolname in ${admin([...ROLES])}`;
    for (const { rolname } of roles) {
      await admin.unsafe(`alter role ${rolname} login password '${server.password}'`);
    }
  } finally {
    await Promise.all([template.end(), admin.end()]);
  }
}

const PREFIX = "earshot-test-postgres-";

/** A run that was killed leaves its server behind. Its name holds the pid of the run. */
async function removeLeftovers(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(PREFIX));
  for (const name of names.filter(
    (candidate) => !isAlive(Number(candidate.slice(PREFIX.length).split("-")[0])),
  )) {
    const directory = join(tmpdir(), name);
    const server = await startIn(directory).catch(() => null);
    await server?.stop();
    // Another user's is that user's to remove.
    await rm(directory, { recursive: true, force: true }).catch(() => {});
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
