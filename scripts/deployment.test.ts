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

const UNITS = globSync("infra/systemd/*.service", { cwd: ROOT });

test.each(UNITS)("%s runs as nobody's root, without capabilities, on a disk that it can't write", (file) => {
  const unit = read(file);
  for (const setting of [
    "User=earshot",
    "NoNewPrivileges=true",
    "CapabilityBoundingSet=\n",
    "ProtectSystem=strict",
    "ProtectHome=true",
    "PrivateTmp=true",
    "ProtectKernelTunables=true",
    "SystemCallFilter=@system-service",
    "LimitCORE=0",
  ])
    expect(unit).toContain(setting);
});

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
