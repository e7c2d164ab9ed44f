import { join } from "node:path";
import { findFfmpeg, INSTALL_FFMPEG } from "@earshot/worker/input/ffmpeg";
import { hashFile } from "@earshot/worker/input/hash";
import { detectSandbox } from "@earshot/worker/input/sandbox";
import { TagLib } from "taglib-wasm";
import { Journal } from "../library/journal.ts";
import { readRows } from "../library/read-rows.ts";
import type { Row } from "../library/read-rows.ts";
import { planTags, TAGS } from "../library/tag-plan.ts";
import type { Change, TagField } from "../library/tag-plan.ts";
import { fileAt } from "../library/walk.ts";
import { readProperties, writeTags } from "../library/write-tags.ts";
import type { TagTools } from "../library/write-tags.ts";
import { takeLock } from "../stack/lock.ts";
import { StackError } from "../stack/stack-error.ts";
import { EXIT, interruptedError, missingError, toCommandError, usageError } from "./command-error.ts";
import type { ExitStatus } from "./command-error.ts";
import { readWhere } from "./connection.ts";
import { requireDirectory } from "./require-directory.ts";
import type { Terminal } from "./terminal.ts";

export interface TagOptions {
  fields: string;
  overwrite?: true;
  apply?: true;
  json?: true;
}

/** Whatever is wrong with one file is said, and the others go on. */
export async function writeLibraryTags(
  root: string,
  options: TagOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const fields = readFields(options.fields);
  await requireDirectory(root);
  const journal = await Journal.open(readWhere({}, terminal.env).home, root);
  await using _lock = await takeLock(
    journal.lockFile,
    root,
    ({ pid }) => new StackError(`Process ${pid} is at work on ${root}.`),
  );
  const tools = await openTools(terminal);
  const counts = { files: 0, changed: 0, failed: 0, left: 0 };
  for await (const row of readRows(root, journal, () => void (counts.left += 1))) {
    if (terminal.signal.aborted) throw interruptedError();
    counts.files += 1;
    try {
      const file = join(root, row.path);
      const before = await readProperties(file, tools.taglib);
      const changes = planTags(before, row.fields, { fields, overwrite: options.overwrite ?? false });
      if (changes.length === 0) continue;
      if (options.apply) {
        await writeTags(file, changes, tools);
        await keepAsScanned(root, row, journal, terminal.signal);
      }
      counts.changed += 1;
      tell(row.path, changes, options, terminal);
    } catch (error) {
      if (terminal.signal.aborted) throw interruptedError();
      counts.failed += 1;
      tellFailure(row.path, error, options, terminal);
    }
  }
  const left = counts.left === 0 ? "" : `; ${counts.left} have changed since the scan and are left alone`;
  const done = options.apply ? "written" : "to be written (nothing was changed; --apply writes)";
  terminal.err(`${counts.changed} of ${counts.files} files ${done}, ${counts.failed} with an error${left}`);
  return counts.failed > 0 ? EXIT.failed : EXIT.done;
}

async function openTools({ env, signal }: Terminal): Promise<TagTools> {
  const searchPath = env["PATH"] ?? "";
  const ffmpeg = await findFfmpeg(searchPath);
  if (ffmpeg === null) throw missingError(INSTALL_FFMPEG);
  const [sandbox, taglib] = await Promise.all([detectSandbox(), TagLib.initialize()]);
  return { ffmpeg, sandbox, taglib, signal };
}

/** The next scan has no need to read it again: the audio is the same. */
async function keepAsScanned(
  root: string,
  { entry }: Row,
  journal: Journal,
  signal: AbortSignal,
): Promise<void> {
  const [file] = await fileAt(root, entry.path);
  if (file)
    await journal.put({ ...entry, ...file, sha256: await hashFile(join(root, entry.path), { signal }) });
}

function tell(path: string, changes: readonly Change[], { json }: TagOptions, terminal: Terminal): void {
  if (json) return terminal.out(JSON.stringify({ path, changes }));
  const lines = changes
    .filter(({ name }) => name !== "EARSHOT_FIELDS")
    .map(
      ({ name, before, after }) =>
        `  ${name}: ${before.length === 0 ? "" : `${before.join("; ")} → `}${after.join("; ")}`,
    );
  terminal.out([path, ...lines].join("\n"));
}

function tellFailure(path: string, error: unknown, { json }: TagOptions, terminal: Terminal): void {
  const { code, message } = toCommandError(error);
  if (json) terminal.out(JSON.stringify({ path, error: { code, message } }));
  else terminal.err(`${path}: ${message}`);
}

function readFields(text: string): TagField[] {
  const isField = (name: string): name is TagField => Object.hasOwn(TAGS, name);
  return text.split(",").map((part) => {
    const name = part.trim();
    if (isField(name)) return name;
    throw usageError(`There is no field "${name}". The fields are ${Object.keys(TAGS).join(", ")}.`, {
      field: name,
    });
  });
}
