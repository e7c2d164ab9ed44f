import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { inject } from "vitest";

/** A database of one test, with every migration applied. */
export interface TestDatabase extends AsyncDisposable {
  name: string;
  /** One for each login of the product. `owner` owns the tables and may do everything. */
  urls: Readonly<Record<"owner" | "api" | "worker" | "deliver", string>>;
  /** Ends every connection to it. */
  drop(): Promise<void>;
}

export function createTestDatabase(): Promise<TestDatabase> {
  return copyDatabase(inject("postgres").template);
}

/** Without any table, for tests of the migrations themselves. */
export function createEmptyDatabase(): Promise<TestDatabase> {
  return copyDatabase("template0");
}

async function copyDatabase(template: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString("hex")}`;
  await asAdmin((admin) => admin`create database ${admin(name)} template ${admin(template)}`);
  const drop = () => asAdmin((admin) => admin`drop database if exists ${admin(name)} with (force)`);
  return {
    name,
    urls: {
      owner: urlOf("postgres", name),
      api: urlOf("earshot_api", name),
      worker: urlOf("earshot_worker", name),
      deliver: urlOf("earshot_deliver", name),
    },
    drop,
    [Symbol.asyncDispose]: drop,
  };
}

function urlOf(role: string, database: string): string {
  const { host, port, password } = inject("postgres");
  return `postgres://${role}:${password}@${host}:${port}/${database}`;
}

async function asAdmin(run: (admin: postgres.Sql) => Promise<unknown>): Promise<void> {
  const admin = postgres(urlOf("postgres", "postgres"), { max: 1, onnotice() {} });
  try {
    await run(admin);
  } finally {
    await admin.end();
  }
}
