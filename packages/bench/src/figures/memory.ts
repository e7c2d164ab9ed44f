import { uploadFile } from "@earshot/cli/client/upload-file";
import type { TaskName } from "@earshot/shared/domain/tasks";
import { writeSilence } from "../audio.ts";
import type { BenchContext, Figure } from "../figure.ts";
import { optimizeInto } from "../models.ts";
import { watchResident } from "../process-usage.ts";
import { openStack } from "../stack.ts";
import type { BenchStack } from "../stack.ts";
import { rounded } from "../statistics.ts";

const MINUTES = { short: 10, long: 600 };
const signal = new AbortController().signal;

/** Peak memory of a worker and all its children on ten hours, less that of a fresh one on ten minutes. */
export const memory: Figure = {
  name: "memory.growth",
  async measure(context) {
    const tasks: TaskName[] = [
      "audio.features",
      context.models.hasMusicnn ? "music.tags" : "speech.segments",
    ];
    await using stack = await openStack(context, "memory");
    if (context.models.hasMusicnn) await optimizeInto(stack.home, context.models);
    await stack.start("api");
    const [short, long] = [
      await peakOn(stack, context, MINUTES.short, tasks),
      await peakOn(stack, context, context.quick ? 2 * MINUTES.short : MINUTES.long, tasks),
    ];
    return {
      // MB.
      figures: { "memory.growth": { value: rounded(long.peakMb - short.peakMb), goal: 64 } },
      details: {
        short_peak_mb: rounded(short.peakMb),
        long_peak_mb: rounded(long.peakMb),
        long_seconds: rounded(long.seconds),
        tasks,
        rounds: 1,
      },
    };
  },
};

async function peakOn(stack: BenchStack, { say }: BenchContext, minutes: number, tasks: TaskName[]) {
  say(`memory: ${minutes} minutes`);
  const file = await writeSilence(stack.home.directory, `silence-${minutes}.flac`, 60 * minutes);
  const worker = await stack.start("worker", { EARSHOT_MAX_AUDIO_SECONDS: String(11 * 3_600) });
  try {
    using watch = watchResident(worker.pid);
    const upload_id = await uploadFile(stack.earshot, file, () => {}, signal);
    const { id } = await stack.earshot.jobs.create({ input: { upload_id }, tasks }, { signal });
    const seconds = await secondsOf(stack, id);
    return { peakMb: watch.peakMb(), seconds };
  } finally {
    await worker.stop();
  }
}

async function secondsOf({ sql }: BenchStack, id: string): Promise<number> {
  for (;;) {
    const [job] = await sql<{ status: string; error_code: string | null; seconds: number | null }[]>`
      select status, error_code, extract(epoch from finished_at - started_at)::float8 as seconds
      from jobs where id = ${id}`;
    if (job?.status === "succeeded") return job.seconds ?? NaN;
    if (job === undefined || !["queued", "running"].includes(job.status))
      throw new Error(`the long job is ${job?.status}: ${job?.error_code}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
