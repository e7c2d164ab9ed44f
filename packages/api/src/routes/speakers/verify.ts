import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { findSpeaker, openVoice } from "@earshot/shared/db/speakers";
import { AppError } from "@earshot/shared/domain/errors";
import { roundScore } from "@earshot/shared/domain/results";
import { thresholdOf, voiceSimilarity } from "@earshot/shared/domain/voices";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";
import { jobVoices, requireVoice } from "./job-voices.ts";
import type { VoiceDeps } from "./job-voices.ts";

const VerificationRequest = z
  .strictObject({
    job_id: z.string(),
    speaker: z
      .string()
      .min(1)
      .max(64)
      .optional()
      .describe(doc("One of the job's; all of them where it is left out.")),
    threshold: z.number().min(-1).max(1).optional().describe(doc("Instead of the space's own.")),
  })
  .meta({ id: doc("VerificationRequest") });

const Verification = doc(() =>
  z
    .object({
      speaker_id: z.string(),
      space: z.string(),
      threshold: z.number().nullable().describe("Null: nobody has said one for this space."),
      voices: z
        .array(
          z.object({
            speaker: z.string(),
            score: z.number().describe("The cosine of the two voices."),
            decision: z.enum(["same", "different"]).nullable(),
          }),
        )
        .describe("The likeliest first."),
    })
    .meta({ id: "Verification" }),
);

const route = createRoute({
  method: "post",
  path: "/v1/speakers/{id}/verify",
  summary: doc("Whether voices that a job heard are an enrolled speaker's"),
  middleware: authorize("speakers:read"),
  request: {
    params: IdParams,
    body: { required: true, content: { "application/json": { schema: VerificationRequest } } },
  },
  responses: doc(() => ({
    200: {
      description: "How near each voice is to the speaker's.",
      content: { "application/json": { schema: Verification } },
    },
    ...problems("forbidden", "not_found", "conflict", "gone", "body_too_large", "unsupported_content_type"),
  })),
});

/** Whom somebody looked for is in the audit log. */
export function verifySpeaker(app: App, deps: VoiceDeps & Pick<Deps, "sealKeys">): void {
  app.openapi(route, async (c) => {
    const { db, sealKeys } = deps;
    const id = requireId("speaker", c.req.valid("param").id);
    const { job_id: jobId, speaker: label, ...given } = c.req.valid("json");
    const { principal } = c.var;
    const speaker = await findSpeaker(db, principal.accountId, id);
    const enrolled = await openVoice(db, sealKeys, principal.accountId, id);
    if (speaker === null || enrolled === null) throw new AppError("not_found");
    const { space, speakers } = await jobVoices(deps, principal, jobId);
    if (space !== speaker.space) {
      throw new AppError("conflict", {
        message: "The job's voices were heard by another model: they say nothing of this speaker's.",
        detail: { space, speaker_space: speaker.space },
      });
    }
    const heard = label === undefined ? speakers : [requireVoice({ space, speakers }, label)];
    const threshold = given.threshold ?? thresholdOf(space);
    const voices = heard
      .map((voice) => ({
        speaker: voice.speaker,
        score: roundScore(voiceSimilarity(enrolled, voice.embedding)),
      }))
      .map((voice) => ({ ...voice, decision: decide(voice.score, threshold) }))
      .toSorted((a, b) => b.score - a.score);
    await audit(c, db, { action: "speaker.verify", target: id, detail: { job_id: jobId } });
    note(c, { speaker_id: id, job_id: jobId });
    return c.json({ speaker_id: id, space, threshold, voices }, 200, { "Cache-Control": "no-store" });
  });
}

function decide(score: number, threshold: number | null): "same" | "different" | null {
  if (threshold === null) return null;
  return score >= threshold ? "same" : "different";
}
