import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { usageError } from "./command-error.ts";
import type { Terminal } from "./terminal.ts";

export interface InstallOptions {
  systemd?: true;
  compose?: true;
  key: string;
  /** Below which everything is written: another than / for images of machines. */
  root: string;
  dryRun?: true;
}

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));

interface InstalledFile {
  path: string;
  mode: number;
  text: string;
}

/** Writes what starts a worker at boot, and starts nothing. Files that are there stay. */
export async function installWorker(options: InstallOptions, terminal: Terminal): Promise<void> {
  const { systemd, compose, root, dryRun } = options;
  if ((systemd === undefined) === (compose === undefined)) throw usageError("Say --systemd or --compose.");
  const files = systemd ? await systemdFiles(options) : await composeFiles(options);
  for (const { path, mode, text } of files) {
    const file = join(resolve(root), path);
    if (dryRun) terminal.out(`# ${file}\n${text.trimEnd()}\n`);
    else terminal.out(`${(await writeNew(file, text, mode)) ? "wrote" : "kept"}  ${file}`);
  }
  if (!dryRun) terminal.err(systemd ? systemdNext(options) : composeNext(options));
}

function systemdNext({ key }: InstallOptions): string {
  const directories = [...new Set([ENV_FILE, key].map((file) => dirname(file)))];
  return `Next, as root:
  useradd --system --home-dir /var/lib/earshot --groups video,render earshot
  chown -R earshot: ${directories.join(" ")}
  systemctl daemon-reload && systemctl enable --now earshot-worker${HOMES.test(ROOT) ? HIDDEN : ""}`;
}

function composeNext({ key }: InstallOptions): string {
  return `Next, with an image of infra/images/Dockerfile.cuda, as root:
  chown 10001:10001 ${key}
  docker compose -f /etc/earshot/compose.yaml up -d`;
}

const ENV_FILE = "/etc/earshot/worker.env";

/** What ProtectHome= hides. */
const HOMES = /^\/(home|root|run\/user)\//;
const HIDDEN = `
The unit sees no home directory, and this checkout is in one: move it, to /opt/earshot say, and install from there.`;

async function systemdFiles({ key }: InstallOptions): Promise<InstalledFile[]> {
  const unit = await readFile(join(ROOT, "infra/systemd/earshot-worker.service"), "utf8");
  const env = ["EARSHOT_ENV=production", `EARSHOT_BOX_KEY_FILE=${key}`, "EARSHOT_HOME=/var/lib/earshot"];
  return [
    {
      path: "etc/systemd/system/earshot-worker.service",
      mode: 0o644,
      text: unit.replaceAll("/opt/earshot", ROOT.replace(/\/$/, "")),
    },
    { path: ENV_FILE, mode: 0o600, text: `${env.join("\n")}\n` },
  ];
}

async function composeFiles({ key }: InstallOptions): Promise<InstalledFile[]> {
  const text = await readFile(join(ROOT, "infra/compose/gpu-box.yaml"), "utf8");
  return [
    {
      path: "etc/earshot/compose.yaml",
      mode: 0o644,
      text: text.replace(/\$\{EARSHOT_BOX_KEY:-[^}]*\}/, key),
    },
  ];
}

/** @returns false when there is one already. */
async function writeNew(file: string, text: string, mode: number): Promise<boolean> {
  if ((await stat(file).catch(() => null)) !== null) return false;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text, { mode, flag: "wx" });
  return true;
}
