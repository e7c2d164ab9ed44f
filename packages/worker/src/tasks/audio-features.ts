import { roundScore, roundSeconds } from "@earshot/shared/domain/results";
import type { Task } from "./task.ts";
import { channelWeights } from "../signal/channel-weights.ts";
import { LoudnessMeter } from "../signal/loudness.ts";
import { meanOf } from "../signal/mono.ts";
import { MusicMeter } from "../signal/music-meter.ts";
import { SilenceDetector } from "../signal/silence.ts";
import { SpectralCentroid } from "../signal/spectral-centroid.ts";
import { TruePeakMeter } from "../signal/true-peak.ts";

/**
 * Loudness (EBU R 128), true peak, silences, tempo, beats, key and duration of the file as it is: native channels, native rate.
 * Whatever is undefined, such as the loudness of silence or the key of noise, is null.
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
    const centroid = new SpectralCentroid(sampleRateHz);
    const music = new MusicMeter(sampleRateHz);
    let samples = 0;

    return {
      push(block) {
        signal.throwIfAborted();
        loudness.push(block.channels);
        truePeak.push(block.channels);
        silence.push(block.channels);
        const mono = meanOf(block.channels);
        centroid.push(mono);
        music.push(mono);
        samples += mono.length;
      },

      finish() {
        const { tempo, beats, key, tuningCents } = music.finish();
        return {
          model: null,
          version: "2",
          device: "cpu",
          loudness_lufs: roundDecibels(loudness.integratedLufs()),
          loudness_range_lu: roundDecibels(loudness.rangeLu()),
          true_peak_dbtp: roundDecibels(truePeak.peakDbtp()),
          silences: silence
            .finish()
            .map(({ start, end }) => ({ start: roundSeconds(start), end: roundSeconds(end) })),
          tempo_bpm: tempo && roundSeconds(tempo.bpm),
          tempo_confidence: roundScore(tempo?.confidence ?? 0),
          tempo_candidates: (tempo?.candidates ?? []).map(({ bpm, strength }) => ({
            bpm: roundSeconds(bpm),
            strength: roundScore(strength),
          })),
          beats: beats.map(roundSeconds),
          key: key?.key ?? null,
          scale: key?.scale ?? null,
          key_strength: roundScore(key?.strength ?? 0),
          tuning_cents: key && Math.round(tuningCents),
          spectral_centroid_hz: roundHertz(centroid.finish()),
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

function roundHertz(value: number | null): number | null {
  return value === null ? null : Math.round(value * 10) / 10;
}
