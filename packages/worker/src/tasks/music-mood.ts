import { byHead, loadMoodHeads, MOOD_HEAD_NAMES, MOOD_HEADS, runMoodHeads } from "./music/mood-heads.ts";
import type { MoodHead } from "./music/mood-heads.ts";
import { moodTags } from "./music/mood-tags.ts";
import { MUSICNN_FEATURES, MUSICNN_MODEL, MUSICNN_STREAM, patchTimestamps } from "./music/musicnn.ts";
import { agreements, pooledScores, scoresOverTime } from "./music/patch-scores.ts";
import { DEFAULT_CALIBRATION } from "@earshot/shared/domain/mood-calibration";
import type { MoodCalibration } from "@earshot/shared/domain/mood-calibration";
import type { ModelIdentity } from "../inference/inference.ts";
import type { ClassEvidence } from "./music/mood-tags.ts";
import type { Task } from "./task.ts";

/** Nine pairs of classes, from happy or not to voice or instrumental, each by a head of its own on MusiCNN's embeddings. */
export const musicMood: Task<"music.mood"> = {
  name: "music.mood",
  stream: MUSICNN_STREAM,

  start(_options, { inference, features, signal, moodCalibration }) {
    const musicnn = features.of(MUSICNN_FEATURES);
    let loading: Promise<void> | undefined;
    return {
      async push(block) {
        await musicnn.push(block);
        // A head that is missing is told before the rest of the audio was read for it.
        loading ??= loadMoodHeads(inference, signal);
        await loading;
      },

      async finish() {
        const found = await musicnn.finish();
        const scores = await runMoodHeads(found, inference, signal);
        const heads = byHead((head) => pooledScores(scores[head]));
        const agreed = byHead((head) => agreements(scores[head]));
        const identity = inference.identify(MUSICNN_MODEL);
        const calibration = fitting(moodCalibration ?? DEFAULT_CALIBRATION, identity);
        return {
          ...identity,
          calibration: calibration.id,
          heads,
          // Of the class that the head is for on the whole.
          agreement: byHead((head) => agreed[head][likeliest(heads[head])] ?? 0),
          ...moodTags(evidenceOf(heads, agreed), calibration),
          segments: {
            timestamps_seconds: patchTimestamps(found.patches),
            values: byHead((head) => ({
              [MOOD_HEADS[head]]: scoresOverTime(scores[head], MOOD_HEADS[head]),
            })),
          },
        };
      },
    };
  },
};

type ByClass = Readonly<Record<string, number>>;

/** Thresholds of one model's probabilities say nothing of another's. */
function fitting(calibration: MoodCalibration, { model, version }: ModelIdentity): MoodCalibration {
  const { model: of } = calibration;
  return of === null || (of.id === model && of.version === version) ? calibration : DEFAULT_CALIBRATION;
}

function likeliest(classes: ByClass): string {
  return Object.entries(classes).reduce((best, one) => (one[1] > best[1] ? one : best))[0];
}

/** No two heads have a class of the same name. */
function evidenceOf(
  heads: Readonly<Record<MoodHead, ByClass>>,
  agreed: Readonly<Record<MoodHead, ByClass>>,
): Record<string, ClassEvidence> {
  return Object.fromEntries(
    MOOD_HEAD_NAMES.flatMap((head) =>
      Object.entries(heads[head]).map(([name, probability]) => [
        name,
        { probability, agreement: agreed[head][name] ?? 0 },
      ]),
    ),
  );
}
