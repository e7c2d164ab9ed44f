import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";

/** What the tests in workerd need to know of the services outside. */
export interface EdgeServices {
  /** Of the API's login, through the pool. */
  databaseUrl: string;
  /** Of the superuser, past it. */
  ownerUrl: string;
  queue: { endpoint: string; url: string };
  /** A provider whose machines show its tokens. */
  machines: { issuer: string };
  /** As the Worker gets them. */
  variables: Record<string, string>;
}

declare module "vitest" {
  export interface ProvidedContext {
    edge: EdgeServices;
  }
}

const SERVICES = fileURLToPath(new URL("services.main.ts", import.meta.url));

/** A Postgres, a queue and a bucket. In a process of their own: here modules are resolved as workerd wants them. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const child = fork(SERVICES, { execArgv: [] });
  const exited = once(child, "exit");
  const message = await Promise.race([once(child, "message"), exited.then(() => null)]);
  if (message === null) throw new Error("the services of the edge tests did not start");
  project.provide("edge", message[0] as EdgeServices);
  return async () => {
    child.disconnect();
    await exited;
  };
}
