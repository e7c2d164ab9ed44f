import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TASKS } from "@earshot/shared/domain/tasks";
import { silentLog } from "@earshot/shared/log";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLanes } from "../inference/lanes.ts";
import type { Lanes } from "../inference/lanes.ts";
import { dot } from "./speakers/cluster-voices.ts";
import { diarizationError } from "./speakers/testing/diarization-error.ts";
import { writeStandInModels } from "./speakers/testing/stand-in-models.ts";
import { RATE_HZ, speak } from "./speakers/testing/tone-voices.ts";
import type { Turn } from "./speakers/testing/tone-voices.ts";
import { speechSpeakers } from "./speech-speakers.ts";
import { hear } from "./testing/hear.ts";

let directory: string;
let lanes: Lanes;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "earshot-speakers-"));
  const registry = await writeStandInModels(directory);
  lanes = await createLanes({ count: 2, threads: 1, device: "cpu", registry, log: silentLog });
});
afterAll(async () => {
  await lanes.close();
  await rm(directory, { recursive: true, force: true });
});

interface Speakers {
  speaker_count: number;
  space?: string;
  speakers: { speaker: string; speech_seconds: number; embedding?: number[] }[];
  turns: Turn[];
  exclusive_turns: Turn[];
}

async function speakersOf(samples: Float32Array, options: object = {}, blockSamples = 8_000) {
  const parsed = TASKS["speech.speakers"].options.parse(options);
  const heard = { inference: lanes, sampleRateHz: RATE_HZ, blockSamples };
  const output = await hear((context) => speechSpeakers.start(parsed, context), samples, heard);
  return output as unknown as Speakers;
}

/** One after the other, each for its seconds with a pause between. */
function dialogue(
  lines: readonly (readonly [speaker: number, seconds: number])[],
  pause = 0.5,
): Turn<number>[] {
  let start = 1;
  return lines.map(([speaker, seconds]) => {
    const turn = { start, end: start + seconds, speaker };
    start += seconds + pause;
    return turn;
  });
}

const THREE = dialogue([
  [2, 3],
  [0, 4],
  [2, 2.5],
  [1, 3],
  [0, 2],
  [2, 5],
  [1, 4],
]);

/** A frame that is off by one moves each edge by 17 ms: in these scripts by 1 % of the speech. */
const LEAST_ERROR = 0.005;

test("who comes back is the same speaker, and labels are in the order of appearance", async () => {
  const found = await speakersOf(speak(THREE, 28));
  expect(diarizationError(THREE, found.turns).total).toBeLessThan(LEAST_ERROR);
  const labels = ["speaker_1", "speaker_2", "speaker_1", "speaker_3", "speaker_2", "speaker_1", "speaker_3"];
  expect(found.turns.map(({ speaker }) => speaker)).toEqual(labels);
  expect(found.exclusive_turns).toEqual(found.turns);
  expect(found).toMatchObject({
    model: "pyannote-segmentation-3.0",
    version: "9403a69",
    device: "cpu",
    speaker_count: 3,
  });
  expect(found.speakers).toEqual([
    { speaker: "speaker_1", speech_seconds: expect.closeTo(10.5, 1) },
    { speaker: "speaker_2", speech_seconds: expect.closeTo(6, 1) },
    { speaker: "speaker_3", speech_seconds: expect.closeTo(7, 1) },
  ]);
});

test("two who speak at once are both heard, and one of them has the floor", async () => {
  const script = [
    { start: 0.5, end: 6, speaker: 0 },
    { start: 4, end: 9, speaker: 1 },
    { start: 9.5, end: 20, speaker: 2 },
    // Within somebody else's turn.
    { start: 13, end: 14.5, speaker: 0 },
    { start: 20.5, end: 24, speaker: 1 },
  ];
  const found = await speakersOf(speak(script, 25));
  expect(found.speaker_count).toBe(3);
  expect(diarizationError(script, found.turns).total).toBeLessThan(LEAST_ERROR);
  const { exclusive_turns: exclusive } = found;
  for (const [index, { start }] of exclusive.entries()) {
    expect(start).toBeGreaterThanOrEqual(exclusive[index - 1]?.end ?? 0);
  }
  const whole = { speaker: "anybody" };
  expect(
    diarizationError(
      script.map((turn) => ({ ...turn, ...whole })),
      exclusive.map((turn) => ({ ...turn, ...whole })),
    ).total,
  ).toBeLessThan(LEAST_ERROR);
});

test("in silence and noise nobody speaks", async () => {
  const nobody = { speaker_count: 0, speakers: [], turns: [], exclusive_turns: [] };
  expect(await speakersOf(speak([], 23))).toMatchObject(nobody);
  expect(await speakersOf(new Float32Array(7 * RATE_HZ))).toMatchObject(nobody);
});

test("one who speaks with pauses is one speaker, to the last sample", async () => {
  const script = dialogue(
    [
      [4, 6],
      [4, 1],
      [4, 9.5],
      [4, 12],
    ],
    2,
  );
  const seconds = 37;
  const found = await speakersOf(speak([...script, { start: 36, end: seconds, speaker: 4 }], seconds));
  expect(found.speaker_count).toBe(1);
  expect(found.turns).toHaveLength(5);
  expect(found.turns.at(-1)?.end).toBe(seconds);
});

test("eight are told apart, each of whom comes back", async () => {
  const order = [0, 1, 2, 3, 4, 5, 6, 7, 3, 0, 6, 1, 7, 2, 5, 4];
  const script = dialogue(order.map((speaker) => [speaker, 4] as const));
  const found = await speakersOf(speak(script, 74));
  expect(found.speaker_count).toBe(8);
  expect(diarizationError(script, found.turns).total).toBeLessThan(LEAST_ERROR);
});

test("less than a window is heard as well as more", async () => {
  const script = [
    { start: 0, end: 1.2, speaker: 1 },
    { start: 1.5, end: 2.9, speaker: 5 },
  ];
  const found = await speakersOf(speak(script, 3));
  expect(found.speaker_count).toBe(2);
  expect(found.turns[0]?.start).toBe(0);
  expect(diarizationError(script, found.turns).total).toBeLessThan(0.02);
});

test("how the samples are split into blocks changes nothing", async () => {
  const samples = speak(THREE, 28);
  const whole = await speakersOf(samples, { embeddings: true }, samples.length);
  for (const size of [1_777, 160_000]) {
    expect(await speakersOf(samples, { embeddings: true }, size), `blocks of ${size}`).toEqual(whole);
  }
});

test("as many speakers as are asked for, however near or far their voices are", async () => {
  const samples = speak(THREE, 28);
  expect(await speakersOf(samples, { max_speakers: 2 })).toMatchObject({ speaker_count: 2 });
  expect(await speakersOf(samples, { max_speakers: 1 })).toMatchObject({ speaker_count: 1 });
  const apart = speak(
    dialogue(
      [
        [0, 11],
        [5, 11],
      ] as const,
      11,
    ),
    35,
  );
  expect(await speakersOf(apart, { threshold: 0 })).toMatchObject({ speaker_count: 1 });
  expect(await speakersOf(apart, { threshold: 0, min_speakers: 2 })).toMatchObject({ speaker_count: 2 });
});

test("the vectors of voices are told only to who asks, one of length 1 each", async () => {
  const samples = speak(THREE, 28);
  const silent = await speakersOf(samples);
  expect(silent).not.toHaveProperty("space");
  for (const speaker of silent.speakers) expect(speaker).not.toHaveProperty("embedding");
  const found = await speakersOf(samples, { embeddings: true });
  expect(found.space).toMatch(/^wespeaker-voxceleb-resnet34-LM@[0-9a-f]{12}$/);
  const [one, two] = found.speakers.map(({ embedding = [] }) => Float32Array.from(embedding));
  expect(one).toHaveLength(256);
  expect(dot(one ?? new Float32Array(), one ?? new Float32Array())).toBeCloseTo(1, 5);
  expect(dot(one ?? new Float32Array(), two ?? new Float32Array())).toBeLessThan(0.2);
});

test("options that contradict each other are refused", () => {
  const { options } = TASKS["speech.speakers"];
  expect(options.safeParse({ min_speakers: 3, max_speakers: 2 })).toMatchObject({ success: false });
  expect(options.safeParse({ min_speakers: 0 })).toMatchObject({ success: false });
});
