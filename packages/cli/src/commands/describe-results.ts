import type { InputInfo, TaskResult } from "@earshot/shared/domain/results";
import * as z from "zod";

/** What is read here of an analysis or of a job's result. */
export const analysis = z.looseObject({
  input: z.looseObject({
    duration_seconds: z.number(),
    codec: z.string(),
    channels: z.number(),
    sample_rate: z.number(),
  }),
  results: z.array(
    z.looseObject({
      task: z.string(),
      status: z.enum(["succeeded", "failed"]),
      error: z.looseObject({ code: z.string(), message: z.string() }).optional(),
    }),
  ),
  warnings: z.array(z.string()).optional(),
});

type Described = { input: Pick<InputInfo, "duration_seconds" | "codec" | "channels" | "sample_rate"> } & {
  results: readonly Readonly<Record<string, unknown> & Pick<TaskResult, "task" | "status">>[];
  warnings?: readonly string[] | undefined;
};

/** A result in a few lines for a person. */
export function describeResults({ input, results, warnings = [] }: Described): string {
  const { codec, channels, sample_rate: rate } = input;
  return [
    line("audio", `${seconds(input.duration_seconds)}, ${codec}, ${channels} ch, ${rate} Hz`),
    ...results.flatMap(describeResult),
    ...warnings.map((warning) => line("warning", warning)),
  ].join("\n");
}
