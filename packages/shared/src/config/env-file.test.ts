import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { withEnvFile } from "./env-file.ts";

let file: string;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-env-file-"));
  file = join(directory, "worker.env");
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test("what the file says goes before the environment, and each look at it is a new one", async () => {
  await writeFile(file, '# the box\nEARSHOT_LANES=2\nEARSHOT_HOME="/srv/ear shot"\n', { mode: 0o600 });
  const env = { EARSHOT_ENV_FILE: file, EARSHOT_LANES: "1", PATH: "/bin" };
  expect(withEnvFile(env)).toEqual({ ...env, EARSHOT_LANES: "2", EARSHOT_HOME: "/srv/ear shot" });
  await writeFile(file, "EARSHOT_LANES=3\n");
  expect(withEnvFile(env)["EARSHOT_LANES"]).toBe("3");
});

test("without one the environment stays as it is, and one that others may write, or that is not there, is refused", async () => {
  expect(withEnvFile({ EARSHOT_LANES: "1" })).toEqual({ EARSHOT_LANES: "1" });
  await chmod(file, 0o622);
  expect(() => withEnvFile({ EARSHOT_ENV_FILE: file })).toThrow("open to others");
  expect(() => withEnvFile({ EARSHOT_ENV_FILE: join(directory, "none") })).toThrow("is not a file");
});
