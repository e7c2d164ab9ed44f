import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { makeSbom } from "./make-sbom.ts";

/** Writes the bill of materials of what is shipped, CycloneDX 1.6, to `--out FILE` or stdout. */
const { values: options } = parseArgs({ options: { out: { type: "string" } } });
const text = `${JSON.stringify(await makeSbom(), null, 2)}\n`;
if (options.out === undefined) process.stdout.write(text);
else await writeFile(options.out, text);
