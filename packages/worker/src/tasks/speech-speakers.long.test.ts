import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TASKS } from "@earshot/shared/domain/tasks";
import { silentLog } from "@earshot/shared/log";
import { expect, test } from "vitest";
import { createLanes } from "../inference/lanes.ts";
import { seededRandom } from "../signal/test-signals.ts";
import { diarizationError } from "./speakers/testing/diarization-error.ts";
import { writeStandInModels } from "./speakers/testing/stand-in-models.ts";
import { RATE_HZ, speak } from "./speakers/testing/tone-voices.ts";
import type { Turn } from "./speakers/testing/tone-voices.ts";
import { speechSpeakers } from "./speech-speakers.ts";
import { hear } from "./testing/hear.ts";

const SECONDS = 20 * 60;

/** Five who take turns of 2 to 10 s, a quarter of which begin before the last one has ended. Three are never heard at once. */
function meeting(): Turn<number>[] {
  const random = seededRandom(11);
  const turns: Turn<number>[] = [];
  let [start, speaker] = [0.5, 0];
  while (start < SECONDS - 12) {
    const end = start + 2 + 8 * random();
    turns.push({ start, end, speaker });
    speaker = (speaker + 1 + Math.floor(4 * random())) % 5;
    start = random() < 0.25 ? end - 1 : end + 0.4 + random();
  }
  return turns;
}

test("twenty minutes of five who interrupt each other: who speaks is known but for 0.5 % of the speech", async () => {
  const directory = await mkdtemp(join(tmpdir(), "earshot-speakers-"));
  const registry = await writeStandInModels(directory);
  const lanes = await createLanes({ count: 2, threads: 1, device: "cpu", registry, log: silentLog });
  const script = meeting();
  const samples = speak(script, SECONDS);
  try {
    const options = TASKS["speech.speakers"].options.parse({});
    const heard = { inference: lanes, sampleRateHz: RATE_HZ, blockSamples: RATE_HZ };
    const output = await hear((context) => speechSpeakers.start(options, context), samples, heard);
    const { turns, speaker_count: count } = output as unknown as {
      turns: Turn[];
      speaker_count: number;
    };
    expect(count).toBe(5);
    expect(diarizationError(script, turns).total).toBeLessThan(0.005);
  } finally {
    await lanes.close();
    await rm(directory, { recursive: true, force: true });
  }
}, 300_000);
