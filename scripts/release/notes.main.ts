import { readFileSync } from "node:fs";
import { notesOf } from "./changelog.ts";

/** Prints what CHANGELOG.md says of the version that package.json has. */
const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
const notes = notesOf(readFileSync("CHANGELOG.md", "utf8"), version);
if (notes === null) console.error(`CHANGELOG.md says nothing of ${version}`);
else process.stdout.write(notes);
process.exitCode = notes === null ? 1 : 0;
