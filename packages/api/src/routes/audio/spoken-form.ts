import * as z from "zod";
import { TRANSCRIPT_LANGUAGES } from "@earshot/shared/domain/transcript-languages";
import type { AppContext } from "../../env.ts";
import { fieldErrors } from "../../field-errors.ts";
import { RefusedRequest } from "../../problem.ts";
import { fileOf, parseForm } from "../jobs/job-form.ts";
import { SPOKEN_PATHS } from "./spoken-paths.ts";
import type { SpokenPath } from "./spoken-paths.ts";

const RESPONSE_FORMATS = ["json", "text", "srt", "vtt", "verbose_json"] as const;

const GRANULARITIES = "timestamp_granularities[]";

const MODELS = ["whisper-1", "whisper-base"] as const;

/** The fields of OpenAI's forms beside the file, as a form has them: text. */
const Translation = z.strictObject({
  model: z.enum(MODELS, "The model here is whisper-base; whisper-1 means it too"),
  prompt: z.string().max(2_000).optional(),
  response_format: z.enum(RESPONSE_FORMATS).default("json"),
  temperature: z.coerce.number().min(0).max(1).default(0),
});

const Transcription = Translation.extend({
  language: z.enum(TRANSCRIPT_LANGUAGES).optional(),
  [GRANULARITIES]: z.array(z.enum(["word", "segment"])).default(["segment"]),
});

export interface SpokenForm {
  file: File;
  /** Of `speech.transcription`. */
  options: {
    task: "transcribe" | "translate";
    language?: string;
    initial_prompt?: string;
    temperature?: number;
  };
  responseFormat: (typeof RESPONSE_FORMATS)[number];
  granularities: readonly ("word" | "segment")[];
}

/** As OpenAPI has it. */
export const formContent = (path: SpokenPath) => ({
  "multipart/form-data": {
    schema: {
      type: "object" as const,
      required: ["file", "model"],
      properties: {
        file: { type: "string" as const, format: "binary" },
        model: { type: "string" as const, enum: [...MODELS] },
        prompt: { type: "string" as const },
        response_format: { type: "string" as const, enum: [...RESPONSE_FORMATS] },
        temperature: { type: "number" as const },
        ...(SPOKEN_PATHS[path] === "transcribe" && {
          language: { type: "string" as const },
          [GRANULARITIES]: { type: "array" as const, items: { type: "string" as const } },
        }),
      },
    },
  },
});

/** @throws RefusedRequest that names the part. */
export async function readSpokenForm(c: AppContext, path: SpokenPath): Promise<SpokenForm> {
  const form = await parseForm(c);
  const file = fileOf(form);
  const names = [...new Set(form.keys())].filter((name) => name !== "file");
  const given = Object.fromEntries(
    names.map((name) => [name, name === GRANULARITIES ? form.getAll(name) : form.get(name)]),
  );
  const task = SPOKEN_PATHS[path];
  const fields =
    task === "transcribe" ? read(Transcription, given) : { ...read(Translation, given), language: undefined };
  const { language, prompt, temperature } = fields;
  return {
    file,
    options: {
      task,
      ...(language === undefined ? {} : { language }),
      ...(prompt === undefined ? {} : { initial_prompt: prompt }),
      // 0 is OpenAI's word for "as it goes": 0 first, more where that fails.
      ...(temperature === 0 ? {} : { temperature }),
    },
    responseFormat: fields.response_format,
    granularities: GRANULARITIES in fields ? fields[GRANULARITIES] : ["segment"],
  };
}

function read<Fields extends z.ZodType>(schema: Fields, given: object): z.output<Fields> {
  const { success, data, error } = schema.safeParse(given);
  if (!success) throw new RefusedRequest("validation_failed", fieldErrors("json", error));
  return data;
}
