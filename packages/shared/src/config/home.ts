import { resolve } from "node:path";

/** EARSHOT_HOME where nobody says otherwise: in the current directory. */
export const DEFAULT_HOME = ".earshot";

/** Where pulled and imported weights are kept, by file name. Absolute. */
export function modelCacheIn(home: string): string {
  return resolve(home, "models");
}
