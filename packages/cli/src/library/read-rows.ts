import { fieldsOf, ownTagsOf } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { isAsBefore } from "./journal.ts";
import type { Entry, Journal } from "./journal.ts";
import { fileAt } from "./walk.ts";

export interface Row {
  /** From the library's root. */
  path: string;
  jobId: string;
  entry: Entry;
  fields: Fields;
  title?: string | undefined;
  artist?: string | undefined;
  result: unknown;
}

/** Of every file whose result is here and which is as it was then; `onChanged` hears of those that are not. Files that are gone are left out. */
export async function* readRows(
  root: string,
  journal: Journal,
  onChanged: (path: string) => void,
): AsyncGenerator<Row, void> {
  for (const entry of journal.entries()) {
    const { path, jobId } = entry;
    const [file] = await fileAt(root, path);
    const result = jobId === undefined ? null : await journal.result(jobId);
    if (file === undefined || jobId === undefined || result === null) continue;
    if (!isAsBefore(file, entry)) onChanged(path);
    else yield { path, jobId, entry, fields: fieldsOf(result), ...ownTagsOf(result), result };
  }
}
