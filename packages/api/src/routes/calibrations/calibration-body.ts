import { doc } from "@earshot/shared/domain/doc";
import * as z from "zod";
import type { Calibration } from "@earshot/shared/db/calibrations";
import type { MoodTier } from "@earshot/shared/domain/mood-calibration";

const share = doc(() => z.number());

export const CalibrationBody = doc(() =>
  z
    .object({
      id: z.string().describe("Results that were made with it say it."),
      model: z.string(),
      model_version: z.string().describe("Of another version it changes nothing."),
      results: z.int().describe("How many it was computed from."),
      thresholds: z.record(
        z.string(),
        z.object({ strict: share, regular: share, loose: share } satisfies Record<MoodTier, unknown>),
      ),
      active: z.boolean(),
      created_at: z.iso.datetime(),
    })
    .meta({ id: "Calibration" }),
);

export function calibrationBody(calibration: Calibration): z.output<typeof CalibrationBody> {
  const { id, model, modelVersion, results, thresholds, isActive, createdAt } = calibration;
  return {
    id,
    model,
    model_version: modelVersion,
    results,
    thresholds,
    active: isActive,
    created_at: createdAt.toISOString(),
  };
}
