import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { makeHome } from "@earshot/cli/stack/home";
import type { Home } from "@earshot/cli/stack/home";
import { startPostgres } from "@earshot/cli/stack/postgres";
import { findFreePort } from "@earshot/cli/stack/postgres-port";
import { startService } from "@earshot/cli/stack/service-process";
import type { ServiceProcess, ServiceSpec } from "@earshot/cli/stack/service-process";
import { queueSpec, serviceSpecs } from "@earshot/cli/stack/service-specs";
import type { StackSpecs } from "@earshot/cli/stack/service-specs";
import { prepareDatabase } from "@earshot/cli/stack/stack";
import { readStackConfig } from "@earshot/cli/stack/stack-config";
import { Earshot } from "@earshot/sdk";
import { openDatabase } from "@earshot/shared/db/database";
import { silentLog } from "@earshot/shared/log";
import type postgres from "postgres";
import * as z from "zod";
import type { BenchContext } from "./figure.ts";

const queueAddress = z.object({ url: z.url(), endpoint: z.url(), deadLetterUrl: z.url() });

/** The product's own processes on a database that keeps what it has committed, as `earshot up` runs them. */
export interface BenchStack extends AsyncDisposable {
  home: Home;
  connection: { url: string; key: string };
  /** A client of it. */
  earshot: Earshot;
  queue: z.output<typeof queueAddress>;
  /** The owner of the tables. */
  sql: postgres.Sql;
  ownerUrl: string;
  /** A process of the bench's own. */
  run(spec: ServiceSpec): Promise<ServiceProcess>;
  start(service: keyof StackSpecs, env?: Readonly<Record<string, string>>): Promise<ServiceProcess>;
}

const { signal } = new AbortController();
const opened = new Set<Promise<BenchStack>>();
let isClosing = false;

/** For whoever is interrupted: Postgres would live on. No other stack is opened then. */
export async function closeStacks(): Promise<void> {
  isClosing = true;
  const stacks = await Promise.allSettled(opened);
  await Promise.all(
    stacks.map((stack) => stack.status === "fulfilled" && stack.value[Symbol.asyncDispose]()),
  );
}

export function openStack(context: BenchContext, name: string): Promise<BenchStack> {
  if (isClosing) throw new Error("the bench is being stopped");
  const opening = open(context, name);
  opened.add(opening);
  return opening;
}

async function open(context: BenchContext, name: string): Promise<BenchStack> {
  await using started = new AsyncDisposableStack();
  const directory = join(context.home.directory, name);
  const port = await findFreePort();
  const config = readStackConfig({
    PATH: context.searchPath,
    EARSHOT_HOME: directory,
    EARSHOT_PORT: String(port),
    EARSHOT_ALLOW_LOOPBACK: "1",
    EARSHOT_MODELS_DIR: context.models.modelsDir,
  });
  const { home } = config;
  await makeHome(home);
  const server = await startPostgres({
    directory,
    settings: { track_commit_timestamp: "on" },
    log: silentLog,
  });
  started.defer(() => server.stop());
  await prepareDatabase(home, server);
  const ownerUrl = new URL(server.ownerUrl);
  ownerUrl.pathname = "/earshot";
  const database = openDatabase({ url: ownerUrl.href, name: "bench", max: 2 });
  started.defer(() => database.close());

  const services: ServiceProcess[] = [];
  started.defer(async () => void (await Promise.all(services.map((service) => service.stop()))));
  const start = async (spec: ServiceSpec) => {
    const service = await startService(spec, { home, output: "file" }, signal);
    services.push(service);
    return service;
  };
  const queue = queueAddress.parse((await start(queueSpec(await findFreePort()))).ready);
  const specs = serviceSpecs(config, queue);
  const key = (await readFile(home.apiKey, "utf8")).trim();
  const running = started.move();
  return {
    home,
    connection: { url: config.publicUrl, key },
    earshot: new Earshot({ baseUrl: config.publicUrl, apiKey: key }),
    queue,
    sql: database.sql,
    ownerUrl: ownerUrl.href,
    run: start,
    start: (service, env = {}) => start({ ...specs[service], env: { ...specs[service].env, ...env } }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
