import { silentLog } from "@earshot/shared/log";
import { createLanes } from "@earshot/worker/inference/lanes";
import { createRegistry } from "@earshot/worker/inference/registry";
import { roundsOf } from "../figure.ts";
import type { Figure } from "../figure.ts";
import { patchesOf } from "../parts.ts";
import { cpuSecondsOf } from "../process-usage.ts";
import { medianOf, rounded } from "../statistics.ts";

const SECONDS = 60;
const signal = new AbortController().signal;

/** The mel's CPU against that of the published graph, a patch each. */
export const frontend: Figure = {
  name: "frontend.share",
  async measure(context) {
    const { hasMusicnn, modelsDir, described } = context.models;
    if (!hasMusicnn) return { figures: {}, details: { skipped: described } };
    const registry = createRegistry({ modelsDir });
    const lanes = await createLanes({ count: 1, threads: 1, device: "cpu", registry, log: silentLog });
    try {
      const samples = Float32Array.from(
        { length: SECONDS * 16_000 },
        (_, i) => 0.3 * Math.sin(i * (0.05 + i * 1e-8)),
      );
      const patches = patchesOf(samples);
      const run = async () => {
        for (const melspectrogram of patches) await lanes.run("msd-musicnn-1", { melspectrogram }, signal);
      };
      await run();
      const [lane = 0] = lanes.pids;
      const [mel, model]: [number[], number[]] = [[], []];
      for (let round = 0; round < roundsOf(context, 7); round++) {
        const before = process.cpuUsage();
        // Ten times: one takes as long as a clock tick of the lanes' figures.
        for (let i = 0; i < 10; i++) patchesOf(samples);
        const { user, system } = process.cpuUsage(before);
        mel.push((user + system) / 1e6 / 10);
        const laneBefore = cpuSecondsOf(lane);
        await run();
        model.push(cpuSecondsOf(lane) - laneBefore);
      }
      return {
        figures: {
          "frontend.share": {
            value: rounded(medianOf(mel.map((seconds, i) => seconds / (model[i] ?? NaN)))),
            goal: 0.04,
          },
        },
        details: {
          mel_cpu_ms_per_patch: rounded((1_000 * medianOf(mel)) / patches.length),
          model_cpu_ms_per_patch: rounded((1_000 * medianOf(model)) / patches.length),
          mel_times_real_time: rounded(SECONDS / medianOf(mel)),
          rounds: mel.length,
        },
      };
    } finally {
      await lanes.close();
    }
  },
};
