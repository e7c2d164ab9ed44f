import { readFileSync } from "node:fs";
import { AppError } from "@earshot/shared/domain/errors";
import { TASKS } from "@earshot/shared/domain/tasks";
import { silentLog } from "@earshot/shared/log";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Inference } from "../inference/inference.ts";
import { createLanes } from "../inference/lanes.ts";
import type { Lanes } from "../inference/lanes.ts";
import { createRegistry } from "../inference/registry.ts";
import type { Media } from "../input/audio.ts";
import { JobFeatures } from "./features.ts";
import { speechSegments } from "./speech-segments.ts";

interface Span {
  start: number;
  end: number;
}

/** Espeak voices between silences, a tone and noises, with the probabilities of Silero's own graph, window by window. */
const golden: { segments: (Span & { kind: string })[]; probs: number[] } = JSON.parse(
  readFileSync(new URL("./golden/vad_speech.json", import.meta.url), "utf8"),
);
const samples = float32Of(readFileSync(new URL("./golden/vad_speech.input16k.f32", import.meta.url)));
const spoken = golden.segments.filter(({ kind }) => kind === "speech");
const unspoken = golden.segments.filter(({ kind }) => kind !== "speech");

const media: Media = {
  format: "wav",
  codec: "pcm_f32le",
  channels: 1,
  channelLayout: "mono",
  sampleRateHz: 16_000,
  durationSeconds: null,
};

describe("on Silero's weights", () => {
  let lanes: Lanes;
  beforeAll(async () => {
    lanes = await createLanes({
      count: 1,
      threads: 1,
      device: "cpu",
      registry: createRegistry(),
      log: silentLog,
    });
  });
  afterAll(() => lanes.close());

  test("every window's probability is the reference's within 1e-3", async () => {
    const { probabilities } = await segmentsOf(blocksOf(samples, 4096), lanes, { probabilities: true });
    expect(probabilities).toHaveLength(golden.probs.length);
    const worst = Math.max(
      ...golden.probs.map((expected, i) => Math.abs(expected - (probabilities?.[i] ?? NaN))),
    );
    expect(worst).toBeLessThan(1e-3);
  });

  test("each spoken span is found within 0.15 s, and no silence, tone or noise is called speech", async () => {
    const { segments } = await segmentsOf(blocksOf(samples, 4096), lanes);
    for (const span of spoken.map(audiblePart)) {
      const found = segments.filter((segment) => overlap(segment, span) > 0);
      expect(Math.abs((found[0]?.start ?? NaN) - span.start)).toBeLessThan(0.15);
      expect(Math.abs((found.at(-1)?.end ?? NaN) - span.end)).toBeLessThan(0.15);
    }
    for (const span of unspoken) {
      const called = segments.reduce((sum, segment) => sum + overlap(segment, span), 0);
      // Padding may reach 0.03 s over an edge.
      expect(called, span.kind).toBeLessThan(0.05);
    }
  });

  test("sums and ratio are those of the segments", async () => {
    const output = await segmentsOf(blocksOf(samples, 4096), lanes);
    const sum = output.segments.reduce((total, { start, end }) => total + end - start, 0);
    expect(output.speech_seconds).toBeCloseTo(sum, 2);
    expect(output.speech_ratio).toBeCloseTo(sum / (samples.length / 16_000), 3);
    expect(output).toMatchObject({ model: "silero_vad", version: "6.2", device: "cpu" });
    expect(output).not.toHaveProperty("probabilities");
  });

  test("the result does not depend on how the samples are split into blocks", async () => {
    const head = samples.subarray(0, 6 * 16_000 + 77);
    const whole = await segmentsOf([head], lanes, { probabilities: true });
    for (const size of [160, 511, 512, 8000, 33_000]) {
      expect(
        await segmentsOf(blocksOf(head, size), lanes, { probabilities: true }),
        `blocks of ${size}`,
      ).toEqual(whole);
    }
  });

  test("less than one window is a window, padded with zeros", async () => {
    const { probabilities, segments } = await segmentsOf([new Float32Array(100)], lanes, {
      probabilities: true,
    });
    expect(probabilities).toHaveLength(1);
    expect(segments).toEqual([]);
  });
});

describe("without a lane", () => {
  test("no samples at all are too short", async () => {
    await expect(segmentsOf([], failingWith(new Error("not reached")))).rejects.toMatchObject({
      code: "input_too_short",
    });
  });

  test("a scan that fails fails the task, even when no further block comes", async () => {
    const lost = new AppError("internal", { message: "lost" });
    await expect(segmentsOf([new Float32Array(64 * 512)], failingWith(lost))).rejects.toBe(lost);
  });
});

function failingWith(error: Error): Inference {
  const fail = async () => {
    throw error;
  };
  const describe = () => {
    throw error;
  };
  const identify = (model: string) => ({ model, version: "0", device: "cpu" });
  return { window: 8, identify, describe, load: fail, scan: fail, run: fail, generate: fail, readFile: fail };
}

/** A voice's file begins and ends with silence: from the first to the last sample above −50 dBFS. */
function audiblePart({ start, end }: Span): Span {
  const part = samples.subarray(Math.round(start * 16_000), Math.round(end * 16_000));
  const isAudible = (sample: number) => Math.abs(sample) > 10 ** (-50 / 20);
  return {
    start: start + part.findIndex(isAudible) / 16_000,
    end: start + part.findLastIndex(isAudible) / 16_000,
  };
}

function float32Of(bytes: Buffer): Float32Array {
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

function blocksOf(all: Float32Array, size: number): Float32Array[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) =>
    all.subarray(i * size, (i + 1) * size),
  );
}

function overlap(a: Span, b: Span): number {
  return Math.max(0, Math.min(a.end, b.end) - Math.max(a.start, b.start));
}

async function segmentsOf(
  blocks: readonly Float32Array[],
  inference: Inference,
  options: Record<string, unknown> = {},
) {
  const signal = new AbortController().signal;
  const run = speechSegments.start(TASKS["speech.segments"].options.parse(options), {
    media,
    inference,
    features: new JobFeatures({ inference, signal }),
    signal,
  });
  for (const block of blocks) await run.push({ channels: [block] });
  const output = await run.finish();
  return output as typeof output & {
    segments: Span[];
    probabilities?: number[];
    speech_seconds: number;
    speech_ratio: number;
  };
}
