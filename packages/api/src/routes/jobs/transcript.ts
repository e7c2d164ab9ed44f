import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { findJob } from "@earshot/shared/db/jobs/read-job";
import { AppError } from "@earshot/shared/domain/errors";
import { DEFAULT_CUE_LIMITS } from "@earshot/shared/domain/transcript-cues";
import { formatTranscript, TRANSCRIPT_FORMATS } from "@earshot/shared/domain/transcript-formats";
import type { TranscriptFormat } from "@earshot/shared/domain/transcript-formats";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App, AppContext } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";
import { readTranscript } from "./read-transcript.ts";
import { requireJob } from "./require-job.ts";

const MEDIA_TYPES: Record<TranscriptFormat, string> = {
  json: "application/json",
  txt: "text/plain",
  srt: "application/x-subrip",
  vtt: "text/vtt",
};

const whole = (most: number, fallback: number) => z.coerce.number().int().min(1).max(most).default(fallback);

const CueQuery = z.strictObject({
  max_line_characters: whole(200, DEFAULT_CUE_LIMITS.maxCharacters).describe(doc("Of one line of a cue.")),
  max_lines: whole(10, DEFAULT_CUE_LIMITS.maxLines).describe(doc("Of one cue.")),
  max_cue_seconds: z.coerce
    .number()
    .min(0.5)
    .max(60)
    .default(DEFAULT_CUE_LIMITS.maxSeconds)
    .describe(doc("How long one cue stays.")),
});

/** With the format in the path, or, without one, in `Accept`. */
function routeOf(suffix: string, formats: readonly TranscriptFormat[]) {
  return createRoute({
    method: "get",
    path: `/v1/jobs/{id}/transcript${suffix}`,
    summary: doc("What was said, as text, subtitles or JSON, with speakers where they are known"),
    middleware: authorize("jobs:read"),
    request: { params: IdParams, query: CueQuery },
    responses: doc(() => ({
      200: {
        description: "The limits are those of cues: text and JSON have none.",
        content: Object.fromEntries(formats.map((format) => [MEDIA_TYPES[format], { schema: z.string() }])),
      },
      ...problems("forbidden", "not_found", "not_acceptable", "conflict", "gone"),
    })),
  });
}

export function getTranscript(app: App, deps: Pick<Deps, "db" | "blobs" | "resultKeys">): void {
  addRoute(app, deps, "", TRANSCRIPT_FORMATS);
  for (const format of TRANSCRIPT_FORMATS) addRoute(app, deps, `.${format}`, [format]);
}

function addRoute(
  app: App,
  deps: Pick<Deps, "db" | "blobs" | "resultKeys">,
  suffix: string,
  formats: readonly TranscriptFormat[],
): void {
  app.openapi(routeOf(suffix, formats), async (c) => {
    const jobId = requireId("job", c.req.valid("param").id);
    const { max_line_characters, max_lines, max_cue_seconds } = c.req.valid("query");
    const job = requireJob(await findJob(deps.db, c.var.principal.accountId, jobId));
    const format = wantedFormat(c, formats);
    note(c, { job_id: jobId });
    const limits = { maxCharacters: max_line_characters, maxLines: max_lines, maxSeconds: max_cue_seconds };
    const file = formatTranscript(await readTranscript(deps, job), format, limits);
    return transcriptFile(c, file, format, { Vary: "Accept" });
  });
}

export function transcriptFile(
  c: AppContext,
  file: string,
  format: TranscriptFormat,
  headers: Record<string, string> = {},
): Response {
  const charset = format === "json" ? "" : "; charset=utf-8";
  return c.body(file, 200, {
    ...headers,
    "Content-Type": `${MEDIA_TYPES[format]}${charset}`,
    "Cache-Control": "private, no-cache",
  });
}

/** Of `formats` the one that the caller likes best (RFC 9110, section 12.5.1). @throws AppError `not_acceptable`. */
function wantedFormat(c: AppContext, formats: readonly TranscriptFormat[]): TranscriptFormat {
  const ranges = (c.req.header("Accept") ?? "*/*").toLowerCase().split(",");
  const weights = new Map(
    ranges.map((range) => {
      const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
      const weight = parameters.find((parameter) => parameter.startsWith("q="));
      return [type, weight === undefined ? 1 : Number(weight.slice(2))];
    }),
  );
  const weightOf = (format: TranscriptFormat) => {
    const type = MEDIA_TYPES[format];
    return weights.get(type) ?? weights.get(type.replace(/\/.*/, "/*")) ?? weights.get("*/*") ?? 0;
  };
  const [best] = formats
    .filter((format) => weightOf(format) > 0)
    .toSorted((a, b) => weightOf(b) - weightOf(a));
  if (best !== undefined) return best;
  const types = formats.map((format) => MEDIA_TYPES[format]).join(", ");
  throw new AppError("not_acceptable", { message: `This is to be had as ${types}.` });
}
