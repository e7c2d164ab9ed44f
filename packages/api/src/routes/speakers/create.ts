import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { insertSpeaker } from "@earshot/shared/db/speakers";
import { AppError } from "@earshot/shared/domain/errors";
import { LIMITS } from "@earshot/shared/domain/limits";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { jobVoices, requireVoice } from "./job-voices.ts";
import type { VoiceDeps } from "./job-voices.ts";
import { SpeakerBody, speakerBody } from "./speaker-body.ts";

const SpeakerRequest = z
  .strictObject({
    name: z.string().trim().min(1).max(200),
    consent: z
      .string()
      .trim()
      .min(1)
      .max(1_000)
      .describe(doc("Who agreed that this voice is kept, when and for what. It is kept with it.")),
    job_id: z.string(),
    speaker: z.string().min(1).max(64).describe(doc("As the job's result labels them: `speaker_1`.")),
  })
  .meta({ id: doc("SpeakerRequest") });

const route = createRoute({
  method: "post",
  path: "/v1/speakers",
  summary: doc("Enrol a person by the voice that a job heard"),
  middleware: authorize("speakers:write"),
  request: { body: { required: true, content: { "application/json": { schema: SpeakerRequest } } } },
  responses: doc(() => ({
    201: { description: "The speaker.", content: { "application/json": { schema: SpeakerBody } } },
    ...problems(
      "forbidden",
      "not_found",
      "conflict",
      "gone",
      "body_too_large",
      "unsupported_content_type",
      "quota_exceeded",
    ),
  })),
});

export function createSpeaker(app: App, deps: VoiceDeps & Pick<Deps, "sealKeys">): void {
  app.openapi(route, async (c) => {
    const { name, consent, job_id: jobId, speaker: label } = c.req.valid("json");
    const { principal } = c.var;
    const voices = await jobVoices(deps, principal, jobId);
    const { embedding, speech_seconds: speechSeconds } = requireVoice(voices, label);
    const { accountId } = principal;
    const voice = { accountId, name, consent, jobId, speechSeconds, space: voices.space, embedding };
    const speaker = await deps.db.transaction(async (tx) => {
      const made = await insertSpeaker(tx, deps.sealKeys, voice);
      if (made === null) {
        throw new AppError("quota_exceeded", {
          message: `An account has at most ${LIMITS.speakers} speakers.`,
        });
      }
      await audit(c, tx, { action: "speaker.create", target: made.id, detail: { job_id: jobId } });
      return made;
    });
    note(c, { speaker_id: speaker.id, job_id: jobId });
    return c.json(speakerBody(speaker), 201, { Location: `/v1/speakers/${speaker.id}` });
  });
}
