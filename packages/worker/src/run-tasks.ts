import { AppError } from "@earshot/shared/domain/errors";
import { roundSeconds } from "@earshot/shared/domain/results";
import type { MoodCalibration } from "@earshot/shared/domain/mood-calibration";
import type { Analysis, InputInfo } from "@earshot/shared/domain/results";
import { isTaskName, TASKS } from "@earshot/shared/domain/tasks";
import type { Log } from "@earshot/shared/log";
import type { Inference } from "./inference/inference.ts";
import { outputRateHz } from "./input/audio.ts";
import type { AudioBlock, Decoded, Media, StreamSpec } from "./input/audio.ts";
import type { Decoder } from "./input/decoder.ts";
import { hashFile } from "./input/hash.ts";
import type { Tags } from "./input/tags.ts";
import { mergeResults } from "./merge-results.ts";
import { startTask, unknownTask } from "./run-tasks-pass.ts";
import type { TaskPass } from "./run-tasks-pass.ts";
import { JobFeatures } from "./tasks/features.ts";
import { INSTALLED_TASKS } from "./tasks/index.ts";
import type { InstalledTasks } from "./tasks/index.ts";

/** Time that the decoder itself may take; the tasks' own time is not counted. */
const DECODE_TIMEOUT_MS = 30 * 60_000;

export interface TaskRequest {
  /** As the job says it: an API that is newer than this worker may know more tasks. */
  name: string;
  /** As the caller gave them: what is missing gets its default. */
  options?: unknown;
}

export interface Progress {
  stage: "decoding" | "inferring" | "finishing";
  /** Of the audio, 0 to 1. It stays 0 while the file does not say how long it is. */
  fraction: number;
}

export interface RunTasksRequest {
  file: string;
  /** Of the file, in hex, when whoever fetched it knows it. */
  sha256?: string | undefined;
  tasks: readonly TaskRequest[];
  decoder: Decoder;
  readTags: (file: string, options: { signal: AbortSignal }) => Promise<Tags>;
  inference: Inference;
  maxAudioSeconds: number;
  log: Log;
  signal: AbortSignal;
  /** Of the account, where it has one in use. */
  moodCalibration?: MoodCalibration | null;
  onProgress?: (progress: Progress) => void;
  installed?: InstalledTasks;
}

/**
 * Audio to results: the file is decoded once, and every task reads its stream of that. A task that throws, or that nobody here
 * knows, fails alone. Results come in the order of the request; whether a job without one success has failed is the caller's to say.
 * @throws AppError when the file can't be read, or the signal's reason.
 */
export async function runTasks(request: RunTasksRequest): Promise<Analysis> {
  const { file, decoder, signal, onProgress = () => {} } = request;
  if (!request.tasks.some(({ name }) => isTaskName(name))) throw noTaskKnown(request.tasks);
  onProgress({ stage: "decoding", fraction: 0 });
  const media = await decoder.probe(file, { signal });
  const sha256 = request.sha256 ?? (await hashFile(file, { signal }));

  const passes = startAll(request, media);
  const streams = streamsOf(passes);
  const report = progressOf(streams, media, request);
  const decode = decoder.decode(file, {
    media,
    streams,
    maxSeconds: request.maxAudioSeconds,
    timeoutMs: DECODE_TIMEOUT_MS,
    signal,
    async onBlock(stream, block) {
      await Promise.all(passes.filter((pass) => pass.stream.name === stream).map((pass) => pass.push(block)));
      report(stream, block);
    },
  });
  const [decoded, tags] = await bothOf(decode, request.readTags(file, { signal }));

  onProgress({ stage: "finishing", fraction: 1 });
  const known = new Map(
    (await Promise.all(passes.map((pass) => pass.finish()))).map((one) => [one.task, one]),
  );
  const results = request.tasks.map(({ name }) => known.get(name) ?? unknownTask(name));
  return {
    input: inputOf(media, decoded, sha256, tags),
    results: mergeResults(results),
    ...warningsOf(decoded),
  };
}

function noTaskKnown([first]: readonly TaskRequest[]): AppError {
  const { code, message } = unknownTask(first?.name ?? "").error;
  return new AppError(code, { message });
}

/** Both at once, and nothing is left under way when the first has failed. */
async function bothOf<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  const [a, b] = await Promise.allSettled([first, second]);
  if (a.status === "rejected") throw a.reason;
  if (b.status === "rejected") throw b.reason;
  return [a.value, b.value];
}

function startAll(
  { tasks, inference, signal, log, moodCalibration, installed = INSTALLED_TASKS }: RunTasksRequest,
  media: Media,
) {
  const features = new JobFeatures({ inference, signal });
  const context = { media, inference, signal, features, moodCalibration };
  return tasks.flatMap(({ name, options }) =>
    isTaskName(name) ? [startTask(installed, { name, options }, context, log)] : [],
  );
}

/** What all tasks want to read, each stream once. */
function streamsOf(passes: readonly TaskPass[]): StreamSpec[] {
  return [...new Map(passes.map(({ stream }) => [stream.name, stream])).values()];
}

/** Reports after each block how much of the audio the slowest stream has seen. */
function progressOf(
  streams: readonly StreamSpec[],
  media: Media,
  { tasks, onProgress = () => {} }: RunTasksRequest,
): (stream: string, block: AudioBlock) => void {
  const stage = tasks.some(({ name }) => isTaskName(name) && TASKS[name].model !== null)
    ? "inferring"
    : "decoding";
  const ratesHz = new Map(streams.map((spec) => [spec.name, outputRateHz(spec, media)]));
  const seconds = new Map(streams.map((spec) => [spec.name, 0]));
  return (stream, { channels }) => {
    const blockSeconds = (channels[0]?.length ?? 0) / (ratesHz.get(stream) ?? Infinity);
    seconds.set(stream, (seconds.get(stream) ?? 0) + blockSeconds);
    const fraction = Math.min(...seconds.values()) / (media.durationSeconds ?? Infinity);
    onProgress({ stage, fraction: Math.min(1, fraction) });
  };
}

function inputOf(media: Media, decoded: Decoded, sha256: string, tags: Tags): InputInfo {
  return {
    duration_seconds: roundSeconds(decoded.durationSeconds),
    codec: media.codec,
    channels: media.channels,
    sample_rate: media.sampleRateHz,
    sha256,
    tags,
    ...(decoded.truncated ? { truncated: true } : {}),
    ...(decoded.declaredSeconds === undefined
      ? {}
      : { declared_seconds: roundSeconds(decoded.declaredSeconds) }),
  };
}

function warningsOf({ truncated, durationSeconds, declaredSeconds }: Decoded): Pick<Analysis, "warnings"> {
  if (!truncated || declaredSeconds === undefined) return {};
  const [found, declared] = [roundSeconds(durationSeconds), roundSeconds(declaredSeconds)];
  return { warnings: [`The audio ends after ${found} s of the ${declared} s that the file declares.`] };
}
