import { execFileSync, spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * What systemd itself says of the units: no fault (`systemd-analyze verify`), and an exposure (`systemd-analyze security`) that is
 * no higher than docs/add-a-gpu-box.md says. Needs systemd-analyze 250 or later, and no systemd that runs.
 */
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** 0 is tightest, 10 is open. */
const EXPOSURE: Record<string, number> = {
  "earshot-api.service": 1.4,
  "earshot-backup.service": 1.4,
  "earshot-deliver.service": 1.4,
  "earshot-worker.service": 2.1,
};

const directory = mkdtempSync(join(tmpdir(), "earshot-systemd-"));
try {
  const units = globSync("infra/systemd/*", { cwd: ROOT }).map(copyOfThisCheckout);
  // As a box has it: from the command that installs it.
  const cli = join(ROOT, "packages/cli/src/main.ts");
  execFileSync(process.execPath, [cli, "worker", "install", "--systemd", "--root", directory], {
    stdio: "pipe",
  });
  const installed = join(directory, "etc/systemd/system/earshot-worker.service");

  const { status, stdout, stderr } = analyze("verify", ...units);
  const said = stdout + stderr;
  if (status !== 0 || said !== "") throw new Error(`systemd-analyze verify says:\n${said}`);
  if (analyze("verify", installed).status !== 0) throw new Error("the installed unit has a fault");
  console.log("ok  systemd-analyze verify has nothing to say");

  const services = units.filter((unit) => unit.endsWith(".service"));
  if (services.length !== Object.keys(EXPOSURE).length) throw new Error("a unit has no exposure here");
  for (const unit of services) {
    const most = EXPOSURE[basename(unit)] ?? 0;
    const { stdout: table } = analyze("security", "--offline=true", "--no-pager", unit);
    const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(table)?.[1] ?? Number.NaN);
    if (!(exposure <= most))
      throw new Error(`${basename(unit)} has an exposure of ${exposure}, not ${most}:\n${table}`);
    console.log(`ok  ${basename(unit)} has an exposure of ${exposure}`);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** What a unit starts has to be there. */
function copyOfThisCheckout(unit: string): string {
  const copy = join(directory, basename(unit));
  writeFileSync(
    copy,
    readFileSync(join(ROOT, unit), "utf8").replaceAll("/opt/earshot", ROOT.replace(/\/$/, "")),
  );
  return copy;
}

function analyze(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { error, ...done } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
  if (error)
    throw new Error("test:systemd needs systemd-analyze (the Debian package systemd)", { cause: error });
  return done;
}
