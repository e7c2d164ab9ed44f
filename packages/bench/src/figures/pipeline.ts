import { availableParallelism } from "node:os";
import { uploadFile } from "@earshot/cli/client/upload-file";
import type { TaskName } from "@earshot/shared/domain/tasks";
import { silentLog } from "@earshot/shared/log";
import { createEngine } from "@earshot/worker/engine";
import type { Engine } from "@earshot/worker/engine";
import { runTasks } from "@earshot/worker/run-tasks";
import { writeTrack } from "../audio.ts";
import { atOnce } from "../at-once.ts";
import { roundsOf } from "../figure.ts";
import type { BenchContext, Figure, Measured } from "../figure.ts";
import { optimizeInto } from "../models.ts";
import { decodeTrack, decodedSeconds, melSeconds, modelSeconds, workOf } from "../parts.ts";
import type { PartsWork } from "../parts.ts";
import { openStack } from "../stack.ts";
import type { BenchStack } from "../stack.ts";
import { medianOf, rounded } from "../statistics.ts";

const TRACKS = 12;
/** Of those whose model takes nine times as long. */
const TRACKS_PUBLISHED = 6;
const TRACK_SECONDS = 240;
const ROUNDS = 5;
const signal = new AbortController().signal;

/** The product on the graph that `earshot models optimize` leaves, or on what npm brings. */
export const pipeline: Figure = {
  name: "pipeline",
  measure: (context) => measure(context, { optimized: context.models.hasMusicnn }),
};

/** Half the tracks on the published graph, which takes nine times as long. */
export const pipelinePublished: Figure = {
  name: "pipeline.published",
  measure: async (context) =>
    context.models.hasMusicnn
      ? measure(context, { optimized: false })
      : { figures: {}, details: { skipped: context.models.described } },
};

interface Round {
  /** CPU seconds of all tracks. */
  decode: number;
  mel: number;
  model: number;
  /** From the first submission to the last commit, by the database's clock. */
  wall: number;
  /** The same tracks through the same engine in one process, without database, queue and blobs. null: not measured. */
  rawWall: number | null;
}

async function measure(context: BenchContext, { optimized }: { optimized: boolean }): Promise<Measured> {
  const cores = availableParallelism();
  const tasks: TaskName[] = context.models.hasMusicnn
    ? ["music.tags", "music.embedding"]
    : ["speech.segments"];
  await using stack = await openStack(context, optimized ? "pipeline" : "pipeline-published");
  const parity = optimized ? await optimizeInto(stack.home, context.models) : undefined;
  const isPublished = context.models.hasMusicnn && !optimized;
  const files = await writeTracks(context, stack, isPublished ? TRACKS_PUBLISHED : TRACKS);
  await Promise.all([stack.start("api"), stack.start("worker")]);
  await using engine = await createEngine({
    lanes: cores,
    threads: 1,
    device: "cpu",
    modelsDir: context.models.modelsDir,
    cacheDir: stack.home.models,
    searchPath: context.searchPath,
    log: silentLog,
  });
  const work = workOf(
    context.models,
    await Promise.all(files.slice(0, 2).map((file) => decodeTrack(engine, file))),
  );
  // Models are loaded, code is compiled, files are in the page cache.
  await productWall(stack, files.slice(0, cores), tasks);
  await modelSeconds(engine, work);

  const rounds: Round[] = [];
  for (let round = 0; round < roundsOf(context, ROUNDS); round++) {
    context.say(`${stack.home.directory.split("/").at(-1)}: round ${round + 1}`);
    rounds.push(await measureRound(stack, engine, { files, tasks, work, cores, hasRaw: !isPublished }));
  }
  const of = (valueOf: (round: Round) => number) => rounded(medianOf(rounds.map(valueOf)));
  const name = isPublished ? "pipeline.published" : "pipeline";
  const raw = rounds.flatMap(({ wall, rawWall }) => (rawWall === null ? [] : [{ wall, rawWall }]));
  const vsRaw = raw.map(({ wall, rawWall }) => rawWall / wall);
  return {
    figures: {
      [`${name}.efficiency`]: {
        value: of(({ decode, mel, model, wall }) => (decode + mel + model) / (cores * wall)),
        goal: 0.85,
        moreIsBetter: true,
      },
      ...(raw.length === 0
        ? {}
        : { [`${name}.vs_raw`]: { value: rounded(medianOf(vsRaw)), moreIsBetter: true } }),
    },
    details: {
      model: optimized ? "MusiCNN, rewritten" : context.models.described,
      ...(parity === undefined ? {} : { graph: { speedup: rounded(parity.speedup), parity: parity.parity } }),
      tasks,
      tracks: files.length,
      cores,
      decode_cpu_seconds: of(({ decode }) => decode),
      mel_cpu_seconds: of(({ mel }) => mel),
      model_cpu_seconds: of(({ model }) => model),
      wall_seconds: of(({ wall }) => wall),
      ...(raw.length === 0 ? {} : { raw_wall_seconds: rounded(medianOf(raw.map(({ rawWall }) => rawWall))) }),
      audio_seconds_per_second: of(({ wall }) => (files.length * TRACK_SECONDS) / wall),
      rounds: rounds.length,
    },
  };
}

async function writeTracks(
  { quick, say }: BenchContext,
  { home }: BenchStack,
  tracks: number,
): Promise<string[]> {
  const [count, seconds] = quick ? [2, 24] : [tracks, TRACK_SECONDS];
  say(`${count} tracks of ${seconds} s`);
  return atOnce(
    Array.from({ length: count }, (_, i) => i),
    availableParallelism(),
    (seed) => writeTrack(home.directory, seed, seconds),
  );
}

interface RoundWork {
  files: readonly string[];
  tasks: readonly TaskName[];
  work: PartsWork;
  cores: number;
  hasRaw: boolean;
}

async function measureRound(stack: BenchStack, engine: Engine, round: RoundWork): Promise<Round> {
  const { files, tasks, work, cores, hasRaw } = round;
  const decode = await decodedSeconds(engine, files, cores);
  const perTrack = files.length / work.tracks;
  const mel = perTrack * melSeconds(work);
  const model = perTrack * (await modelSeconds(engine, work));
  const wall = await productWall(stack, files, tasks);
  const rawWall = hasRaw ? await engineWall(engine, files, tasks, cores) : null;
  return { decode, mel, model, wall, rawWall };
}

async function productWall(
  stack: BenchStack,
  files: readonly string[],
  tasks: readonly TaskName[],
): Promise<number> {
  const { earshot, sql } = stack;
  const uploads = await Promise.all(files.map((file) => uploadFile(earshot, file, () => {}, signal)));
  const jobs = await Promise.all(
    uploads.map((upload_id) => earshot.jobs.create({ input: { upload_id }, tasks: [...tasks] }, { signal })),
  );
  const ids = jobs.map(({ id }) => id);
  for (;;) {
    const [row] = await sql<{ open: number; failed: number; seconds: number }[]>`
      select count(*) filter (where finished_at is null)::int as open,
        count(*) filter (where status not in ('queued', 'running', 'succeeded'))::int as failed,
        extract(epoch from max(finished_at) - min(created_at))::float8 as seconds
      from jobs where id in ${sql(ids)}`;
    if (row === undefined || row.failed > 0) throw new Error(`${row?.failed} jobs of the pipeline failed`);
    if (row.open === 0) return row.seconds;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** As many tracks at once as a worker has slots. */
async function engineWall(
  engine: Engine,
  files: readonly string[],
  tasks: readonly TaskName[],
  cores: number,
): Promise<number> {
  const start = performance.now();
  await atOnce(files, cores + 1, (file) =>
    runTasks({
      file,
      sha256: "0".repeat(64),
      tasks: tasks.map((name) => ({ name })),
      ...engine,
      maxAudioSeconds: 14_400,
      log: silentLog,
      signal,
    }),
  );
  return (performance.now() - start) / 1_000;
}
