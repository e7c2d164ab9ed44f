import { readFile, rm } from "node:fs/promises";
import { basename } from "node:path";
import { findByCommand } from "@earshot/testkit/processes";
import { expect } from "vitest";
import { CONTAINERS, CONTAINER_NAMES } from "./containers.ts";
import type { ContainerName } from "./containers.ts";
import type { Corpus } from "./corpus.ts";
import { watchMemory } from "./memory-watch.ts";
import type { MemoryPeaks } from "./memory-watch.ts";
import { createRandom, mutate } from "./mutate.ts";
import { HONEST_ENDINGS, listAll } from "./pipeline.ts";
import type { Ending, Outcome, Pipeline } from "./pipeline.ts";

export interface FuzzReport {
  files: number;
  endings: Readonly<Partial<Record<Ending, number>>>;
  slowest: { file: string; milliseconds: number };
  memory: MemoryPeaks;
}

interface FuzzOptions {
  pipeline: Pipeline;
  corpus: Corpus;
  files: number;
  /** File `i` is made of `seed + i` alone: the name of one that fails is enough to make it again. */
  seed: number;
}

const LONGEST_MS = 30_000;
/** More than this of audio can't be in files this small, whatever they claim: it keeps a bomb from taking minutes. */
const MAX_AUDIO_SECONDS = 600;

/** Damages each format in turn and runs every file through the pipeline. Throws at the end if any broke a promise. */
export async function fuzz({ pipeline, corpus, files, seed }: FuzzOptions): Promise<FuzzReport> {
  const originals = await makeOriginals(corpus);
  const lanes = pipeline.lanePids();
  const rootBefore = await listAll(["/"]);
  const endings: Partial<Record<Ending, number>> = {};
  let slowest = { file: "", milliseconds: 0 };
  const broken: string[] = [];
  using watch = watchMemory();
  for (let index = 0; index < files; index += 1) {
    const name = CONTAINER_NAMES[index % CONTAINER_NAMES.length] ?? "wav16";
    const bytes = mutate(originals[name], createRandom(seed + index));
    const file = await corpus.write(`fuzz-${seed + index}.${CONTAINERS[name].extension}`, bytes);
    try {
      const { ending, milliseconds } = await runOne(pipeline, file);
      expect(await readFile(file), "was written to").toEqual(bytes);
      endings[ending] = (endings[ending] ?? 0) + 1;
      if (milliseconds > slowest.milliseconds) slowest = { file: basename(file), milliseconds };
    } catch (error) {
      broken.push(`${basename(file)}: ${String(error)}`);
    }
    await rm(file);
  }
  expect(broken).toEqual([]);
  expect(pipeline.lanePids(), "a lane died").toEqual(lanes);
  expect(await pipeline.strayChildren()).toEqual([]);
  // Children work in the root directory.
  expect(await listAll(["/"])).toEqual(rootBefore);
  return { files, endings, slowest, memory: watch.peaks() };
}

async function runOne(pipeline: Pipeline, file: string): Promise<Outcome> {
  const outcome = await pipeline.run(file, { maxAudioSeconds: MAX_AUDIO_SECONDS });
  expect(HONEST_ENDINGS).toContain(outcome.ending);
  expect(outcome.taskErrors.filter((code) => code !== "input_too_short")).toEqual([]);
  expect(outcome.milliseconds).toBeLessThan(LONGEST_MS);
  expect(await findByCommand(file)).toEqual([]);
  return outcome;
}

/** Two seconds of a rising tone in noise, with a title, in each format. */
async function makeOriginals(corpus: Corpus): Promise<Record<ContainerName, Buffer>> {
  const source = [
    "-f",
    "lavfi",
    "-i",
    "aevalsrc=0.4*sin(2*PI*(200+300*t)*t)+0.1*(random(0)-0.5):d=2:s=44100",
  ];
  const made = CONTAINER_NAMES.map(async (name) => {
    const { extension, words } = CONTAINERS[name];
    const tags = ["-metadata", "title=Fuzz", "-metadata", "artist=Nobody"];
    return [
      name,
      await readFile(await corpus.make(`original-${name}.${extension}`, ...source, ...tags, ...words)),
    ];
  });
  // One entry for each name of the list.
  return Object.fromEntries(await Promise.all(made)) as Record<ContainerName, Buffer>;
}
