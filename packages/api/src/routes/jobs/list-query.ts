import { doc } from "@earshot/shared/domain/doc";
import * as z from "zod";
import { utf8 } from "@earshot/shared/crypto/bytes";
import type { JobFilter } from "@earshot/shared/db/jobs/list-jobs";
import { JOB_STATUSES } from "@earshot/shared/domain/job-status";
import { LIMITS } from "@earshot/shared/domain/limits";
import { PAGE_SHAPE } from "../page-query.ts";
import { TASK_NAMES } from "@earshot/shared/domain/tasks";
import { queryTime } from "../query-time.ts";

const METADATA = /^metadata\[(.{1,64})\]$/su;

const SHAPE = {
  status: z.enum(JOB_STATUSES).optional(),
  task: z.enum(TASK_NAMES).optional().describe(doc("Jobs that were asked for this task.")),
  created_after: queryTime.optional().describe(doc("Later than this, an ISO 8601 time.")),
  created_before: queryTime.optional().describe(doc("Earlier than this.")),
  // Never filled itself: each field comes as a parameter of its own, `metadata[album]=…`.
  metadata: z
    .record(z.string(), z.string())
    .optional()
    .describe(doc("Fields of the metadata with their values: `metadata[album]=Kid%20A`."))
    .meta({ param: { style: "deepObject", explode: true } }),
  ...PAGE_SHAPE,
};

/** What GET /v1/jobs may be asked. */
export const ListQuery = z
  .object(SHAPE)
  .catchall(z.string())
  .superRefine((query, context) => {
    const fields = Object.entries(query).filter(([key]) => !Object.hasOwn(SHAPE, key));
    for (const [key, value] of fields) refuse(key, value, context);
    if (fields.length > LIMITS.metadataKeys) {
      context.addIssue({
        code: "custom",
        path: ["metadata"],
        message: `At most ${LIMITS.metadataKeys} fields`,
      });
    }
  });

type ListQuery = z.output<typeof ListQuery>;

export function filterOf(query: ListQuery): JobFilter {
  const fields = Object.entries(query).flatMap(([key, value]) => {
    const name = METADATA.exec(key)?.[1];
    return name === undefined ? [] : [[name, String(value)] as const];
  });
  return {
    status: query.status ?? null,
    task: query.task ?? null,
    createdAfter: query.created_after ?? null,
    createdBefore: query.created_before ?? null,
    metadata: Object.fromEntries(fields.toSorted(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function refuse(key: string, value: unknown, context: z.RefinementCtx): void {
  if (!METADATA.test(key)) return context.addIssue({ code: "unrecognized_keys", keys: [key], input: {} });
  if (!isKeepable(key) || !isKeepable(String(value))) {
    context.addIssue({ code: "custom", path: [key], message: "No metadata is like this" });
  }
}

/** Postgres knows no U+0000 in JSON, and what is longer was never taken in. */
function isKeepable(text: string): boolean {
  return !text.includes("\0") && utf8(text).byteLength <= LIMITS.metadataValueBytes;
}
