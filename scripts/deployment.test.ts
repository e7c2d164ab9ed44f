import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { ROOT } from "./claims/read-claims.ts";

/** As far as it is read here. */
interface Service {
  image: string;
  user?: string;
  read_only?: boolean;
  privileged?: boolean;
  cap_drop?: string[];
  cap_add?: string[];
  security_opt?: string[];
  pids_limit?: number;
  mem_limit?: string;
  ports?: string[];
  network_mode?: string;
  networks?: unknown;
  environment?: Record<string, string>;
  healthcheck?: object;
  logging?: { options?: object };
}

const read = (file: string) => readFileSync(join(ROOT, file), "utf8");

const COMPOSE = globSync("infra/compose/*.yaml", { cwd: ROOT });
const SERVICES = COMPOSE.flatMap((file) => {
  const { services } = parse(read(file), { merge: true }) as { services: Record<string, Service> };
  return Object.entries(services).map(([name, service]) => ({ name: `${basename(file)} ${name}`, service }));
});

test("every compose file is read", () => {
  expect(COMPOSE.map((file) => basename(file)).toSorted()).toEqual(["gpu-box.yaml", "single-box.yaml"]);
});

describe.each(SERVICES)("$name", ({ name, service }) => {
  test("has no capability, writes only where it must, and may not gain anything", () => {
    expect(service.read_only).toBe(true);
    expect(service.cap_drop).toEqual(["ALL"]);
    expect(service.cap_add ?? []).toEqual(name.endsWith("caddy") ? ["NET_BIND_SERVICE"] : []);
    expect(service.security_opt).toEqual(["no-new-privileges:true"]);
    expect(service.privileged).toBeUndefined();
  });

  test("is bounded in memory, processes and logs, and watched", () => {
    expect(service.mem_limit).toBeDefined();
    expect(service.pids_limit).toBeLessThanOrEqual(512);
    expect(service.logging?.options).toEqual({ "max-size": "10m", "max-file": "5" });
    expect(service.healthcheck).toBeDefined();
  });

  test("publishes nothing, but for the proxy, and is nobody's root, but for it", () => {
    expect(service.ports !== undefined).toBe(name.endsWith("caddy"));
    expect(service.user !== undefined).toBe(!name.endsWith("caddy"));
    expect(service.user?.startsWith("0")).not.toBe(true);
    expect(service.network_mode).not.toBe("host");
  });

  test("is told no secret but by the name of its file", () => {
    const told = Object.keys(service.environment ?? {});
    const secrets = told.filter((variable) => /(KEYS?|PASSWORD|CREDENTIALS|DATABASE_URL)$/.test(variable));
    expect(secrets).toEqual([]);
  });
});

test("git takes no secret that a page has one make in a checkout", () => {
  const made = globSync("docs/*.md", { cwd: ROOT })
    .map(read)
    .flatMap((page) => [
      ...page.matchAll(/^(?!.*on the machine).*--out (?!\S*\.mid)([\w.-]+)(?= |$)/gm),
      ...page.matchAll(/> ((?:secrets\/|\.env)[\w-]*|[\w-]+-keys)/g),
    ])
    .map(([, file = ""]) => (/^(secrets\/|\.env)/.test(file) ? `infra/compose/${file}` : file));
  expect(made).toEqual(
    expect.arrayContaining(["seal-keys", "api.url", "first.key", "infra/compose/secrets/owner-url"]),
  );
  const { stdout } = spawnSync("git", ["check-ignore", ...made], { cwd: ROOT, encoding: "utf8" });
  expect(made.filter((file) => !stdout.split("\n").includes(file))).toEqual([]);
});

const UNITS = globSync("infra/systemd/*.service", { cwd: ROOT });

/** Of a unit: name=value, a line each. */
const directivesOf = (file: string) =>
  read(file)
    .split("\n")
    .filter((line) => /^\w+=/.test(line));

const HARDENED =
  `NoNewPrivileges=true CapabilityBoundingSet= AmbientCapabilities= RestrictSUIDSGID=true LockPersonality=true
  RestrictRealtime=true RemoveIPC=true KeyringMode=private ProtectSystem=strict ProtectHome=true PrivateTmp=true UMask=0077
  StateDirectoryMode=0700 ReadOnlyPaths=/etc/earshot ProtectProc=invisible ProcSubset=pid ProtectClock=true ProtectHostname=true
  ProtectKernelLogs=true ProtectKernelModules=true ProtectKernelTunables=true ProtectControlGroups=true
  SystemCallArchitectures=native SystemCallFilter=@system-service SystemCallErrorNumber=EPERM
  TasksMax=512 LimitNOFILE=65536 LimitCORE=0 User=earshot Group=earshot`.split(/\s+/);

test.each(UNITS)("%s runs as nobody's root, without capabilities, on a disk that it can't write", (file) => {
  const directives = directivesOf(file);
  const isWorker = file.endsWith("earshot-worker.service");
  expect(directives).toEqual(expect.arrayContaining(HARDENED));
  expect(directives).toContain("SystemCallFilter=~@privileged @obsolete");
  expect(directives).toContain("RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX");
  // The decoder gets a network namespace, and the worker the GPU: nothing else is wider.
  expect(directives).toContain(isWorker ? "RestrictNamespaces=user net" : "RestrictNamespaces=true");
  expect(directives).toEqual(
    expect.arrayContaining(isWorker ? ["DevicePolicy=closed"] : ["PrivateDevices=true", "PrivateUsers=true"]),
  );
  expect(directives.filter((line) => /^(ReadWritePaths|BindPaths|SupplementaryGroups)=/.test(line))).toEqual(
    [],
  );
  expect(directives.some((line) => /^MemoryMax=\d+[MG]$/.test(line))).toBe(true);
});

test("the worker's unit reloads by SIGHUP what it reads from its file, and is started again unless that is of no use", () => {
  const directives = directivesOf("infra/systemd/earshot-worker.service");
  expect(directives).toEqual(
    expect.arrayContaining([
      "ExecReload=/bin/kill -HUP $MAINPID",
      "Environment=EARSHOT_ENV_FILE=/etc/earshot/worker.env",
      "Restart=on-failure",
      "RestartPreventExitStatus=70 77",
    ]),
  );
  // systemd would give it what a line said that is gone from the file.
  expect(directives.filter((line) => line.startsWith("EnvironmentFile="))).toEqual([]);
  const worker = read("packages/worker/src/run-worker.ts");
  expect(worker).toMatch(/DEFUNCT_STATUS = 70;[^]*REVOKED_STATUS = 77;/);
});

/** What each waits for, from SIGTERM on, in its code. */
const LONGEST_WAITS = [
  ["earshot-api.service", "packages/api/src/entry.node.ts", ["FINISH_WITHIN_MS", "RING_WITHIN_MS"]],
  ["earshot-deliver.service", "packages/worker/src/deliver.main.ts", ["EXIT_WITHIN_MS"]],
  ["earshot-worker.service", "packages/worker/src/run-worker.ts", ["HAND_BACK_AFTER_MS"]],
] as const;

test.each(LONGEST_WAITS)(
  "%s gives its process twice the time that it takes to stop",
  (unit, source, names) => {
    const waits = names.map((name) => new RegExp(`const ${name} = ([\\d_]+);`).exec(read(source))?.[1]);
    const waitMs = waits.reduce((sum, text) => sum + Number(text?.replaceAll("_", "")), 0);
    expect(waitMs).toBeGreaterThan(0);
    const directives = directivesOf(`infra/systemd/${unit}`);
    expect(directives).toEqual(
      expect.arrayContaining(["KillMode=mixed", "RestartSec=5s", "RestartForceExitStatus=SIGHUP"]),
    );
    const [, seconds = ""] = /\nTimeoutStopSec=(\d+)s\n/.exec(read(`infra/systemd/${unit}`)) ?? [];
    expect(Number(seconds) * 1_000).toBeGreaterThanOrEqual(2 * waitMs);
  },
);

const DOCKERFILES = globSync("infra/images/Dockerfile.*", { cwd: ROOT }).filter(
  (file) => !file.endsWith("ignore"),
);

test.each(DOCKERFILES)(
  "%s has bases that can be pinned, ends as nobody's root, and takes in no secret",
  (file) => {
    const text = read(file);
    expect(text.match(/^FROM (.+)$/gm)?.every((line) => /^FROM \$\{\w+_IMAGE\}/.test(line))).toBe(true);
    expect(
      text
        .trim()
        .split(/^FROM /m)
        .at(-1),
    ).toContain("\nUSER 10001:10001\n");
    // Only what the ignore file lets in can be copied, and that begins with nothing.
    const [first, ...rest] = read(`${file}.dockerignore`)
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    expect(first).toBe("*");
    expect(rest.filter((line) => line.startsWith("!")).toSorted()).toEqual([
      "!migrations",
      "!package.json",
      "!packages",
      "!pnpm-lock.yaml",
      "!pnpm-workspace.yaml",
    ]);
  },
);
