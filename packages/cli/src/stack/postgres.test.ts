import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, chmod, mkdir, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { openDatabase } from "@earshot/shared/db/database";
import { silentLog } from "@earshot/shared/log";
import { expectNoProcess, findByCommand } from "@earshot/testkit/processes";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startPostgres } from "./postgres.ts";
import type { EmbeddedPostgres } from "./postgres.ts";

let directory: string;
let home: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-postgres-"));
  await chmod(directory, 0o711);
  home = join(directory, "home");
});

afterAll(async () => {
  const leftovers = await findByCommand(directory);
  leftovers.forEach(({ pid }) => process.kill(pid, "SIGKILL"));
  await rm(directory, { recursive: true });
});

const start = (options: { port?: number; settings?: Record<string, string>; home?: string } = {}) =>
  startPostgres({ directory: options.home ?? home, log: silentLog, ...options });

async function ask(server: EmbeddedPostgres, statement: string): Promise<Record<string, unknown>[]> {
  const { sql, close } = openDatabase({ url: server.ownerUrl, max: 1, name: "test" });
  try {
    return await sql.unsafe(statement);
  } finally {
    await close();
  }
}

async function pidOfPostmaster(of = home): Promise<number> {
  return Number((await readFile(join(of, "pg", "postmaster.pid"), "utf8")).split("\n")[0]);
}

/** As `earshot up` would, and is killed as soon as it has a server. */
async function startInKilledProcess(): Promise<void> {
  const program = `
    import { startPostgres } from ${JSON.stringify(new URL("postgres.ts", import.meta.url).href)};
    const { port } = await startPostgres({ directory: ${JSON.stringify(home)}, log: { info() {} } });
    console.log(port);
    process.kill(process.pid, "SIGKILL");`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [port] = await Promise.all([text(child.stdout), once(child, "exit")]);
  expect(Number(port)).toBeGreaterThan(0);
}

test("a first start makes a UTF-8 cluster that only a password opens, on loopback, and stop leaves no process", async () => {
  const server = await start();
  const [row] = await ask(
    server,
    `select current_setting('server_encoding') as encoding,
       current_setting('listen_addresses') as addresses, current_setting('unix_socket_directories') as sockets,
       current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit`,
  );
  expect(row).toMatchObject({
    encoding: "UTF8",
    addresses: "127.0.0.1",
    sockets: "",
    fsync: "on",
    commit: "on",
  });
  const wrong = { ...server, ownerUrl: server.ownerUrl.replace(server.password, "guess") };
  await expect(ask(wrong, "select 1")).rejects.toThrow(/password authentication failed/);
  expect((await stat(join(home, "postgres-password"))).mode & 0o777).toBe(0o600);
  expect((await stat(join(home, "pg"))).mode & 0o777).toBe(0o700);
  await server.stop();
  await expectNoProcess(() => findByCommand(home));
});

test("a server whose starter was killed is taken over, with its data and its port", async () => {
  await startInKilledProcess();
  const first = await start();
  expect(first.adopted).toBe(true);
  await ask(first, "create table if not exists kept as select 42 as answer");
  const pid = await pidOfPostmaster();
  const second = await start();
  expect({ adopted: second.adopted, port: second.port }).toEqual({ adopted: true, port: first.port });
  expect(await pidOfPostmaster()).toBe(pid);
  expect(await ask(second, "select answer from kept")).toMatchObject([{ answer: 42 }]);
  await second.stop();
  await expectNoProcess(() => findByCommand(home));
});

test("a killed server is started again on its port with every committed row", async () => {
  const before = await start();
  await ask(before, "create table survivor as select 7 as answer");
  process.kill(await pidOfPostmaster(), "SIGKILL");
  const after = await start();
  expect({ adopted: after.adopted, port: after.port }).toEqual({ adopted: false, port: before.port });
  expect(await ask(after, "select answer from survivor")).toMatchObject([{ answer: 7 }]);
  await after.stop();
});

test("the pid of another program in the pid file stops nobody", async () => {
  const other = spawn("sleep", ["60"]);
  await (await start()).stop();
  const owned = join(home, "pg", "postmaster.pid");
  await appendFile(owned, `${other.pid}\n${join(home, "pg")}\n1\n1\n\n127.0.0.1\n\nready\n`);
  const server = await start();
  expect(server.adopted).toBe(false);
  await server.stop();
  other.kill();
});

test("a taken port is told when it was asked for, and avoided when it was not", async () => {
  const blocker = createServer().listen(
    Number(await readFile(join(home, "postgres-port"), "utf8")),
    "127.0.0.1",
  );
  await once(blocker, "listening");
  const { port } = blocker.address() as AddressInfo;
  await expect(start({ port })).rejects.toThrow(`Port ${port} on 127.0.0.1, meant for Postgres, is taken`);
  const server = await start();
  expect(server.port).not.toBe(port);
  await server.stop();
  blocker.close();
});

test("a server that does not start says why in its own words", async () => {
  await expect(start({ settings: { shared_buffers: "nonsense" } })).rejects.toThrow(
    /Postgres did not start\.\n[^]*invalid value for parameter "shared_buffers": "nonsense"/,
  );
});

test("a lost password is told, not replaced", async () => {
  await rm(join(home, "postgres-password"));
  await expect(start()).rejects.toThrow(/postgres-password is missing/);
});

test.runIf(process.getuid?.() === 0)(
  "root's private directory is no obstacle or is told by its name",
  async () => {
    const isPrivate = join(directory, "private");
    await mkdir(isPrivate, { mode: 0o700 });
    const started = await start({ home: join(isPrivate, "home") }).catch((error: Error) => error);
    if (started instanceof Error) return expect(started.message).toContain(`may not pass ${isPrivate}.`);
    expect(await ask(started, "select 1 as answer")).toMatchObject([{ answer: 1 }]);
    await started.stop();
  },
);
