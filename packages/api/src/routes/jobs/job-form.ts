import type * as z from "zod";
import { AppError } from "@earshot/shared/domain/errors";
import { LIMITS } from "@earshot/shared/domain/limits";
import type { AppContext } from "../../env.ts";
import { fieldErrors, toPointer } from "../../field-errors.ts";
import { bodyTooLarge } from "../../middleware/body-limit.ts";
import { parseStrictJson } from "../../middleware/strict-json.ts";
import { invalid, RefusedRequest } from "../../problem.ts";
import { isSpokenPath } from "../audio/spoken-paths.ts";
import { hasAtMostParts } from "./form-parts.ts";
import { JobFormRequest } from "./job-request.ts";

/** The file, and as much beside it as a JSON body may have. */
export const JOB_FORM_BYTES = LIMITS.formFileBytes + LIMITS.jsonBodyBytes;

/** Two are of use. The others only get a better answer than this. */
const MOST_PARTS = 32;

/** As OpenAPI has it. A zod schema here would be tried on JSON bodies too. */
export const FORM_CONTENT = {
  "multipart/form-data": {
    schema: {
      type: "object",
      required: ["file", "job"],
      properties: {
        file: { type: "string", format: "binary" },
        job: { $ref: "#/components/schemas/JobFormRequest" },
      },
    },
    encoding: { job: { contentType: "application/json" } },
  },
};

export interface JobForm {
  file: File;
  job: z.output<typeof JobFormRequest>;
  /** `job` as it was sent. */
  jobText: string;
}

export function mediaTypeOf(c: AppContext): string {
  return (c.req.header("Content-Type") ?? "").split(";", 1).join("").trim().toLowerCase();
}

/** A request that may be as large as a form with a file. */
export function isJobForm(c: AppContext): boolean {
  const { method, path } = c.req;
  const takesFile = path === "/v1/jobs" || isSpokenPath(path);
  return method === "POST" && takesFile && mediaTypeOf(c) === "multipart/form-data";
}

/** @throws RefusedRequest that names the part. */
export async function readJobForm(c: AppContext): Promise<JobForm> {
  const form = await parseForm(c);
  for (const name of form.keys()) {
    if (name !== "file" && name !== "job") {
      throw invalid(toPointer([name]), "This field is not known here.", "unrecognized_keys");
    }
  }
  const file = fileOf(form);
  const job = onePart(form, "job");
  // A client that gives the part a type of its own may send it as a file.
  const jobText = typeof job === "string" ? job : await job.text();
  return { file, job: parseJob(jobText), jobText };
}

/** The part `file`. @throws RefusedRequest that says what is wrong with it. */
export function fileOf(form: FormData): File {
  const file = onePart(form, "file");
  if (typeof file === "string")
    throw invalid("/file", "This must be a file, with a filename.", "invalid_type");
  if (file.size === 0) throw invalid("/file", "The file is empty.", "too_small");
  if (file.size > LIMITS.formFileBytes) throw bodyTooLarge(LIMITS.formFileBytes);
  return file;
}

/** Takes the form out of the body that was read, and lets the body go. */
export async function parseForm(c: AppContext): Promise<FormData> {
  if ((c.req.header("Content-Encoding") ?? "identity").toLowerCase() !== "identity") {
    throw new AppError("unsupported_content_type", { message: "Forms are not compressed." });
  }
  if (!hasAtMostParts(c.var.rawBody, MOST_PARTS)) throw invalid("", "The form has too many parts.");
  const headers = { "Content-Type": c.req.header("Content-Type") ?? "" };
  const form = new Response(c.var.rawBody, { headers }).formData();
  // The parts are a copy: at the edge there is no room for both and a hash.
  c.set("rawBody", new Uint8Array());
  delete c.req.bodyCache.arrayBuffer;
  try {
    return await form;
  } catch {
    throw invalid("", "The body is not valid multipart/form-data.", "invalid_form");
  }
}

function onePart(form: FormData, name: "file" | "job"): File | string {
  const [part, ...others] = form.getAll(name);
  if (part === undefined) throw invalid(`/${name}`, `The part "${name}" is missing.`, "invalid_type");
  if (others.length > 0) throw invalid(`/${name}`, `There is more than one part "${name}".`);
  return part;
}

function parseJob(text: string): JobForm["job"] {
  if (text.length > LIMITS.jsonBodyBytes) throw bodyTooLarge(LIMITS.jsonBodyBytes);
  const { success, data, error } = JobFormRequest.safeParse(parseStrictJson(text, ["job"]));
  if (!success) throw new RefusedRequest("validation_failed", fieldErrors("job", error));
  return data;
}
