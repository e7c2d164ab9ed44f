import { execFileSync, spawnSync } from "node:child_process";
import { globSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./root.ts";

/** Of single-box.yaml, as docker compose has resolved it; as far as it is read here. */
export interface ComposeService {
  image: string;
  user?: string;
  read_only?: boolean;
  command?: string[];
  environment?: Record<string, string>;
  tmpfs?: string[];
  volumes?: { source: string; target: string }[];
  secrets?: { source: string; target: string }[];
  healthcheck?: { disable?: boolean; test?: string[] };
}

export type ComposeServices = Record<string, ComposeService>;

/** @returns the services of single-box.yaml. */
export function checkComposeFiles(directory: string): ComposeServices {
  const [program = "", ...args] = composeProgram() ?? fetchCompose(directory);
  const env = { ...process.env, EARSHOT_DOMAIN: "earshot.example.com" };
  const config = (file: string, ...more: string[]) =>
    execFileSync(program, [...args, "-f", file, "config", ...more], { cwd: ROOT, env, encoding: "utf8" });
  for (const file of globSync("infra/compose/*.yaml", { cwd: ROOT })) config(file, "-q");
  const resolved = config("infra/compose/single-box.yaml", "--format", "json");
  return (JSON.parse(resolved) as { services: ComposeServices }).services;
}

function composeProgram(): string[] | null {
  const isThere = spawnSync("docker", ["compose", "version"]).status === 0;
  return isThere ? ["docker", "compose"] : null;
}

/** Debian 13's, which needs no more than a C library. apt checks its signature. */
function fetchCompose(directory: string): string[] {
  const at = (...names: string[]) => join(directory, "compose", ...names);
  for (const name of ["lists/partial", "cache/archives/partial"]) mkdirSync(at(name), { recursive: true });
  const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
  const mirror = process.env["DEBIAN_MIRROR"] ?? ownMirror();
  writeFileSync(at("sources.list"), `deb [signed-by=${keyring}] ${mirror} trixie main\n`);
  const settings = [
    `Dir::Etc::SourceList=${at("sources.list")}`,
    "Dir::Etc::SourceParts=-",
    `Dir::State::Lists=${at("lists")}`,
    `Dir::Cache=${at("cache")}`,
    "APT::Sandbox::User=root",
  ].flatMap((setting) => ["-o", setting]);
  const apt = (...args: string[]) =>
    execFileSync("apt-get", [...settings, "-qq", ...args], { cwd: at(), stdio: "pipe" });
  apt("update");
  apt("download", "docker-compose");
  const [archive = ""] = globSync("docker-compose_*.deb", { cwd: at() });
  execFileSync("dpkg", ["-x", at(archive), at("package")]);
  return [at("package/usr/libexec/docker/cli-plugins/docker-compose")];
}

/** Where this machine's own packages come from. */
function ownMirror(): string {
  const format = ["--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"];
  const targets = execFileSync("apt-get", ["indextargets", ...format], { encoding: "utf8" });
  // bookworm, and neither bookworm-updates nor bookworm-security.
  const mirror = /^(\S+) [a-z]+$/m.exec(targets)?.[1];
  if (mirror === undefined) throw new Error("apt knows no mirror of Debian: set DEBIAN_MIRROR");
  return mirror;
}
