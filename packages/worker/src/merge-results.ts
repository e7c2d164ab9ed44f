import type { TaskResult } from "@earshot/shared/domain/results";
import { withSpeakers } from "@earshot/shared/domain/speaker-words";
import { parseTranscript } from "@earshot/shared/domain/transcript";
import * as z from "zod";

const turns = z.object({
  exclusive_turns: z.array(z.object({ start: z.number(), end: z.number(), speaker: z.string() })),
});

/** Where a job says both what was said and who spoke, the words get their speakers. */
export function mergeResults(results: readonly TaskResult[]): TaskResult[] {
  const speakers = results.find(({ task, status }) => task === "speech.speakers" && status === "succeeded");
  if (speakers === undefined) return [...results];
  const { exclusive_turns } = turns.parse(speakers);
  return results.map((result) => {
    if (result.task !== "speech.transcription" || result.status !== "succeeded") return result;
    const { words, utterances } = withSpeakers(parseTranscript(result), exclusive_turns);
    return { ...result, words, utterances };
  });
}
