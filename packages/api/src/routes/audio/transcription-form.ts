import { doc } from "@earshot/shared/domain/doc";
import * as z from "zod";
import { TRANSCRIPT_LANGUAGES } from "@earshot/shared/domain/transcript-languages";
import type { AppContext } from "../../env.ts";
import { fieldErrors } from "../../field-errors.ts";
import { RefusedRequest } from "../../problem.ts";
import { fileOf, parseForm } from "../jobs/job-form.ts";

const RESPONSE_FORMATS = ["json", "text", "srt", "vtt", "verbose_json"] as const;

const GRANULARITIES = "timestamp_granularities[]";

const MODELS = ["whisper-1", "whisper-base"] as const;

/** The fields of OpenAI's form beside the file, as a form has them: text. */
const Fields = z.strictObject({
  model: z.enum(MODELS, "The model here is whisper-base; whisper-1 means it too"),
  language: z.enum(TRANSCRIPT_LANGUAGES).optional(),
  prompt: z.string().max(2_000).optional(),
  response_format: z.enum(RESPONSE_FORMATS).default("json"),
  temperature: z.coerce.number().min(0).max(1).default(0),
  [GRANULARITIES]: z.array(z.enum(["word", "segment"])).default(["segment"]),
});

export interface TranscriptionForm {
  file: File;
  options: { language?: string; initial_prompt?: string; temperature?: number };
  responseFormat: (typeof RESPONSE_FORMATS)[number];
  granularities: readonly ("word" | "segment")[];
}

/** As OpenAPI has it. */
export const TRANSCRIPTION_CONTENT = doc(() => ({
  "multipart/form-data": {
    schema: {
      type: "object" as const,
      required: ["file", "model"],
      properties: {
        file: { type: "string" as const, format: "binary" },
        model: { type: "string" as const, enum: [...MODELS] },
        language: { type: "string" as const },
        prompt: { type: "string" as const },
        response_format: { type: "string" as const, enum: [...RESPONSE_FORMATS] },
        temperature: { type: "number" as const },
        [GRANULARITIES]: { type: "array" as const, items: { type: "string" as const } },
      },
    },
  },
}));

/** @throws RefusedRequest that names the part. */
export async function readTranscriptionForm(c: AppContext): Promise<TranscriptionForm> {
  const form = await parseForm(c);
  const file = fileOf(form);
  const names = [...new Set(form.keys())].filter((name) => name !== "file");
  const fields = names.map((name) => [name, name === GRANULARITIES ? form.getAll(name) : form.get(name)]);
  const { success, data, error } = Fields.safeParse(Object.fromEntries(fields));
  if (!success) throw new RefusedRequest("validation_failed", fieldErrors("json", error));
  const { language, prompt, temperature } = data;
  return {
    file,
    options: {
      ...(language === undefined ? {} : { language }),
      ...(prompt === undefined ? {} : { initial_prompt: prompt }),
      // 0 is OpenAI's word for "as it goes": 0 first, more where that fails.
      ...(temperature === 0 ? {} : { temperature }),
    },
    responseFormat: data.response_format,
    granularities: data[GRANULARITIES],
  };
}
