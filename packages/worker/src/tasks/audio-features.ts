import { roundSeconds } from "@earshot/shared/domain/results";
import type { Task } from "./task.ts";
import { channelWeights } from "../signal/channel-weights.ts";
import { LoudnessMeter } from "../signal/loudness.ts";
import { SilenceDetector } from "../signal/silence.ts";
import { TruePeakMeter } from "../signal/true-peak.ts";

/**
 * Loudness (EBU R 128), true peak, silences and duration of the file as it is: native channels, native rate. Whatever is
 * undefined, such as the loudness of silence, is null.
 */
export const audioFeatures: Task<"audio.features"> = {
  name: "audio.features",
  stream: { name: "native", channels: "native", sampleRateHz: "native" },

  start(options, { media, signal }) {
    const { channels, sampleRateHz } = media;
    const loudness = new LoudnessMeter(sampleRateHz, channelWeights(media.channelLayout, channels));
    const truePeak = new TruePeakMeter(sampleRateHz, channels);
    const silence = new SilenceDetector({
      sampleRateHz,
      thresholdDbfs: options.silence_threshold_dbfs,
      minSeconds: options.silence_min_seconds,
    });
    let samples = 0;

    return {
      push(block) {
        signal.throwIfAborted();
        loudness.push(block.channels);
        truePeak.push(block.channels);
        silence.push(block.channels);
        samples += block.channels[0]?.length ?? 0;
      },

      finish() {
        return {
          model: null,
          version: "1",
          device: "cpu",
          loudness_lufs: roundDecibels(loudness.integratedLufs()),
          loudness_range_lu: roundDecibels(loudness.rangeLu()),
          true_peak_dbtp: roundDecibels(truePeak.peakDbtp()),
          silences: silence
            .finish()
            .map(({ start, end }) => ({ start: roundSeconds(start), end: roundSeconds(end) })),
          duration_seconds: roundSeconds(samples / sampleRateHz),
        };
      },
    };
  },
};

/** Damaged float audio can hold infinities, and JSON cannot. */
function roundDecibels(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? Math.round(value * 100) / 100 : null;
}
