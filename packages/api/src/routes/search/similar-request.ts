import { doc } from "@earshot/shared/domain/doc";
import * as z from "zod";
import { idPattern } from "@earshot/shared/crypto/ids";
import { TASK_NAMES } from "@earshot/shared/domain/tasks";
import { Metadata } from "../fields.ts";
import { queryTime } from "../query-time.ts";

const MOST_SEEDS = 10;
const MOST_DIMENSIONS = 4_096;
const MOST_CONDITIONS = 16;

const JobId = z.string().regex(idPattern("job"), "Not a job's id");

/** What JSON in Postgres can hold. */
const text = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .regex(/^\P{Cc}*$/u, "No control characters");

const Range = z
  .strictObject({ min: z.number().optional(), max: z.number().optional() })
  .refine(({ min, max }) => min !== undefined || max !== undefined, "Give min, max or both");

const Conditions = z
  .record(text(200), z.union([text(200), z.number(), z.boolean(), Range]))
  .refine((conditions) => Object.keys(conditions).length <= MOST_CONDITIONS, `At most ${MOST_CONDITIONS}`);

const Filter = z.strictObject({
  results: z
    .partialRecord(z.enum(TASK_NAMES), Conditions)
    .default({})
    .describe(
      doc(
        "By task, what its pooled fields must be: a value, which of a list is one of it, or a range. A field in another is named with a dot: `scores.rock`, `heads.mood_happy.happy`, `tags.regular`.",
      ),
    ),
  created_after: queryTime.optional(),
  created_before: queryTime.optional(),
  metadata: Metadata.default({}),
});

export const SimilarRequest = z
  .strictObject({
    job_id: JobId.optional(),
    job_ids: z
      .array(JobId)
      .min(1)
      .max(MOST_SEEDS)
      .optional()
      .describe(doc("The mean of their directions counts.")),
    vector: z
      .array(z.number())
      .min(1)
      .max(MOST_DIMENSIONS)
      .optional()
      .describe(doc("Of the space that is named.")),
    space: text(200).optional().describe(doc("Without it that of the jobs.")),
    filter: Filter.default({ results: {}, metadata: {} }).describe(doc("Applied before anything is ranked.")),
    limit: z.int().min(1).max(100).default(10),
    exact: z
      .boolean()
      .default(false)
      .describe(doc("Compare every vector, even where the space has an approximate index.")),
  })
  .refine(
    (request) =>
      [request.job_id, request.job_ids, request.vector].filter((seed) => seed !== undefined).length === 1,
    "Give job_id, job_ids or vector, one of them",
  )
  .refine(({ vector, space }) => vector === undefined || space !== undefined, {
    path: ["space"],
    error: "A vector needs the space that it is of",
  })
  .meta({ id: doc("SimilarRequest") });

export type SimilarRequest = z.output<typeof SimilarRequest>;
