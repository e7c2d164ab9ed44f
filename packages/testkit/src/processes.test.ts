import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { expectNoProcess, findByCommand, findDescendants } from "./processes.ts";
import { until } from "./until.ts";

test("descendants are found while they run, and not when they are dead", async () => {
  const shell = spawn("sh", ["-c", "sleep 61.25 & wait"], { detached: true });
  try {
    await until(async () => (await findByCommand("sleep 61.25")).length === 2, {
      describe: "the shell's child",
    });
    const { pid = 0 } = shell;
    expect((await findDescendants(pid)).map(({ command }) => command)).toEqual(["sleep 61.25"]);
    await expect(expectNoProcess(() => findDescendants(pid), { timeoutMs: 20 })).rejects.toThrow(
      /left:\n\d+ sleep 61.25/,
    );
  } finally {
    if (shell.pid !== undefined) process.kill(-shell.pid, "SIGKILL");
  }
  await once(shell, "close");
  await expectNoProcess(() => findByCommand("sleep 61.25"));
});
