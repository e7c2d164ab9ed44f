import { doc } from "@earshot/shared/domain/doc";
import * as z from "zod";
import type { Speaker } from "@earshot/shared/db/speakers";

/** Never with the voice itself. */
export const SpeakerBody = doc(() =>
  z
    .object({
      id: z.string(),
      name: z.string(),
      consent: z.string(),
      space: z
        .string()
        .describe("Of the model that heard the voice: voices of two spaces are never compared."),
      speech_seconds: z.number(),
      job_id: z.string(),
      created_at: z.iso.datetime(),
    })
    .meta({ id: "Speaker" }),
);

export type SpeakerBody = z.output<typeof SpeakerBody>;

export function speakerBody(speaker: Speaker): SpeakerBody {
  return {
    id: speaker.id,
    name: speaker.name,
    consent: speaker.consent,
    space: speaker.space,
    speech_seconds: speaker.speechSeconds,
    job_id: speaker.jobId,
    created_at: speaker.createdAt.toISOString(),
  };
}
