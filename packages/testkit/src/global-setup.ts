import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { startTestPostgres } from "./postgres.ts";
import type { PostgresOfRun } from "./postgres.ts";

declare module "vitest" {
  export interface ProvidedContext {
    postgres: PostgresOfRun;
  }
}

const MIGRATIONS = fileURLToPath(new URL("../../../migrations", import.meta.url));

/** Vitest runs this once before the first test, and what it answers after the last. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { stop, ...postgres } = await startTestPostgres(MIGRATIONS);
  project.provide("postgres", postgres);
  return stop;
}
