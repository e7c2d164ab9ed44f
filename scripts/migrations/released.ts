import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../claims/read-claims.ts";

/** Which release came with how many migrations; the release script writes it. */
const RELEASED_FILE = join(ROOT, "migrations/released.json");

/** The number of the last migration that a release has; 0 before the first release. */
export function readReleased(): number {
  const releases = JSON.parse(readFileSync(RELEASED_FILE, "utf8")) as Record<string, number>;
  return Math.max(0, ...Object.values(releases));
}
