import { AppError } from "@earshot/shared/domain/errors";
import { roundScore, roundSeconds } from "@earshot/shared/domain/results";
import type { TaskOptions } from "@earshot/shared/domain/tasks";
import { TASKS } from "@earshot/shared/domain/tasks";
import type { Transcript } from "@earshot/shared/domain/transcript";
import type { GenerateRequest, Inference, Tensor } from "../inference/inference.ts";
import type { AudioBlock } from "../input/audio.ts";
import { WHISPER_MEL, whisperLogMel } from "../signal/whisper-mel.ts";
import { RunWindow } from "./run-window.ts";
import type { Task, TaskContext, TaskOutput, TaskRun } from "./task.ts";
import { SAMPLE_RATE_HZ, VoiceActivity, WINDOW_SAMPLES } from "./voice-activity.ts";
import { tokenStarts } from "./whisper/align.ts";
import { parseCheckpoint, taskTokens } from "./whisper/checkpoint.ts";
import type { Checkpoint } from "./whisper/checkpoint.ts";
import { decodeWindow, detectLanguage } from "./whisper/decode-window.ts";
import { joinAtSeam } from "./whisper/join-at-seam.ts";
import { SampleStore } from "./whisper/sample-store.ts";
import { segmentsOf } from "./whisper/segments.ts";
import type { Segment } from "./whisper/segments.ts";
import { SpeechChunks } from "./whisper/speech-chunks.ts";
import type { SpeechChunk } from "./whisper/speech-chunks.ts";
import { timedByTokens, wordsOf } from "./whisper/words.ts";
import type { SpokenWord } from "./whisper/words.ts";

/** Whisper, a window of up to 30 s at a time: its encoder and its decoder are models of their own. */
const DECODER = TASKS["speech.transcription"].model;
const ENCODER = `${DECODER}-encoder`;
/** Each holds its samples, its mel and what the encoder made of them: 6 MB. Lanes don't wait for more. */
const WINDOWS_AT_ONCE = 3;

/** More than Whisper's 224 tokens of a window make. */
const MOST_SEGMENTS = 1_000;

const samplesOf = (seconds: number) => Math.round(seconds * SAMPLE_RATE_HZ);

/** What is said, with the times of words, their confidences and the language. Windows are cut by Silero where nobody speaks. */
export const speechTranscription: Task<"speech.transcription"> = {
  name: "speech.transcription",
  stream: { name: "mono16k", channels: 1, sampleRateHz: SAMPLE_RATE_HZ },
  start: (options, context) => new TranscriptionRun(options, context),
};

type Options = TaskOptions<"speech.transcription">;

interface HeardChunk {
  chunk: SpeechChunk;
  words: SpokenWord[];
}

interface SpokenLanguage {
  language: string;
  probability: number;
}

class TranscriptionRun implements TaskRun {
  readonly #options: Options;
  readonly #context: TaskContext;
  readonly #activity: VoiceActivity;
  readonly #chunks = new SpeechChunks({
    windowSamples: WINDOW_SAMPLES,
    mostSamples: WHISPER_MEL.samples,
    overlapSamples: samplesOf(4),
    paddingSamples: samplesOf(0.4),
    gapSamples: samplesOf(2),
    pauseSamples: samplesOf(0.1),
  });
  readonly #samples = new SampleStore();
  readonly #runs = new RunWindow(WINDOWS_AT_ONCE);
  readonly #heard: HeardChunk[] = [];
  #found: SpeechChunk[] = [];
  #checkpoint: Promise<Checkpoint> | null = null;
  #language: Promise<SpokenLanguage> | null = null;

  constructor(options: Options, context: TaskContext) {
    this.#options = options;
    this.#context = context;
    this.#activity = new VoiceActivity(context, (probability) => {
      this.#found.push(...this.#chunks.push(probability));
    });
  }

  async push({ channels: [samples] }: AudioBlock): Promise<void> {
    if (samples === undefined) return;
    this.#checkpoint ??= this.#open();
    await this.#checkpoint;
    this.#samples.push(samples);
    await this.#activity.push(samples);
    await this.#transcribeFound();
  }

  async finish(): Promise<TaskOutput> {
    const total = await this.#activity.finish();
    this.#found.push(...this.#chunks.finish(total));
    await this.#transcribeFound();
    await this.#runs.settled();
    return this.#output(await (this.#checkpoint ?? this.#open()));
  }

  /** A model that is not here is told before anything is computed. */
  async #open(): Promise<Checkpoint> {
    const { inference, signal } = this.#context;
    await Promise.all([ENCODER, DECODER].map((model) => inference.load(model, signal)));
    const checkpoint = await readCheckpoint(inference);
    const { language } = this.#options;
    if (language !== undefined && language !== "en" && !checkpoint.languages.has(language)) {
      const message = `Model ${DECODER} does not know the language ${language}.`;
      throw new AppError("model_unavailable", { message, detail: { model: DECODER, language } });
    }
    return checkpoint;
  }

  /** Chunks are transcribed side by side; a new one waits for room. */
  async #transcribeFound(): Promise<void> {
    for (const chunk of this.#found.splice(0)) {
      const samples = this.#samples.read(chunk.start, chunk.end);
      const heard: HeardChunk = { chunk, words: [] };
      const number = this.#heard.push(heard);
      await this.#runs.start(async () => {
        heard.words = await this.#transcribe(samples, chunk, number);
      });
    }
    this.#samples.dropBefore(this.#chunks.keptFrom);
  }

  async #transcribe(samples: Float32Array, { start }: SpeechChunk, number: number): Promise<SpokenWord[]> {
    const checkpoint = await (this.#checkpoint ?? this.#open());
    const context = await this.#encode(samples);
    const generate = (request: GenerateRequest) =>
      this.#context.inference.generate(DECODER, request, this.#context.signal);
    // That of the first that speaks; a file in which it changes must be told what to expect.
    this.#language ??= this.#languageOf(checkpoint, context, generate);
    const { language } = await this.#language;
    const { task, initial_prompt, temperature = null } = this.#options;
    const request = { context, language, task, initial_prompt, temperature, seed: number };
    const decoded = await decodeWindow(generate, checkpoint, request);
    const windowSeconds = samples.length / SAMPLE_RATE_HZ;
    const { end } = checkpoint.rules;
    const segments = segmentsOf(decoded, { end, firstTime: checkpoint.firstTime }, windowSeconds);
    const spelled = task === "translate" ? "en" : language;
    const { tokenizer } = checkpoint;
    const words = segments.flatMap((segment, i) =>
      wordsOf(segment, { tokenizer, language: spelled, utterance: number * MOST_SEGMENTS + i }),
    );
    const starts = await this.#tokenStarts(segments, checkpoint, { context, language, windowSeconds });
    const segmentOf = ({ utterance, ...word }: SpokenWord) => segments[utterance % MOST_SEGMENTS] ?? word;
    const timed = starts.length === 0 ? words : timedByTokens(words, starts, segmentOf);
    const offset = start / SAMPLE_RATE_HZ;
    return timed.map((word) => ({ ...word, start: word.start + offset, end: word.end + offset }));
  }

  async #encode(samples: Float32Array): Promise<Tensor> {
    const { inference, signal } = this.#context;
    const bands = Number(inference.describe(ENCODER).inputs["input_features"]?.shape[1]);
    const data = whisperLogMel(samples, bands);
    const features = { input_features: { data, dims: [1, bands, WHISPER_MEL.frames] } };
    const { last_hidden_state: context } = await inference.run(ENCODER, features, signal);
    if (context === undefined) throw new Error(`${ENCODER} has no output last_hidden_state`);
    return context;
  }

  async #languageOf(
    checkpoint: Checkpoint,
    context: Tensor,
    generate: Parameters<typeof detectLanguage>[0],
  ): Promise<SpokenLanguage> {
    const { language } = this.#options;
    return language === undefined
      ? detectLanguage(generate, checkpoint, context)
      : { language, probability: 1 };
  }

  /** By what the model looks at while it says them. None where its export does not tell. */
  async #tokenStarts(
    segments: readonly Segment[],
    checkpoint: Checkpoint,
    { context, language, windowSeconds }: { context: Tensor; language: string; windowSeconds: number },
  ): Promise<number[]> {
    const { inference, signal } = this.#context;
    const { alignmentHeads: heads, start, noTimestamps, rules } = checkpoint;
    if (segments.length === 0 || !isAligned(inference, checkpoint)) return [];
    const said = [start, ...taskTokens(checkpoint, { language, task: this.#options.task })];
    const request = {
      context,
      prompt: [...said, noTimestamps, ...segments.flatMap(({ tokens }) => tokens)],
      rules,
      maxTokens: 0,
      temperature: 0,
      seed: 0,
      probe: null,
      attention: { heads, from: said.length, frames: Math.ceil(windowSeconds / FRAME_SECONDS) },
    };
    const { attention } = await inference.generate(DECODER, request, signal);
    return attention === null ? [] : tokenStarts(attention);
  }

  async #output(checkpoint: Checkpoint): Promise<TaskOutput> {
    const { inference } = this.#context;
    const spoken =
      this.#language === null
        ? { language: this.#options.language ?? "en", probability: 0 }
        : await this.#language;
    const words = joined(this.#heard);
    return {
      ...inference.identify(DECODER),
      ...transcriptOf(words, spoken),
      ...(this.#options.task === "translate" ? { translated_to: "en" } : {}),
      words_from: isAligned(inference, checkpoint) ? "attention" : "interpolation",
    };
  }
}

/** Of what the encoder makes. */
const FRAME_SECONDS = 0.02;

/** Whether the export tells what the decoder looks at, which its manifest lists, and it is known which heads follow the speech. */
function isAligned(inference: Inference, { alignmentHeads }: Checkpoint): boolean {
  const outputs = Object.keys(inference.describe(DECODER).outputs);
  return alignmentHeads.length > 0 && outputs.some((name) => name.startsWith("cross_attentions."));
}

async function readCheckpoint(inference: Inference): Promise<Checkpoint> {
  const { files } = inference.describe(DECODER);
  const [tokenizer, config] = await Promise.all(
    ["tokenizer.json", "generation_config.json"].map(async (suffix) => {
      const file = files.find(({ name }) => name.endsWith(suffix));
      return JSON.parse(
        new TextDecoder().decode(await inference.readFile(DECODER, file?.name ?? suffix)),
      ) as unknown;
    }),
  );
  return parseCheckpoint(tokenizer, config);
}

/** The words of all chunks, each once. */
function joined(heard: readonly HeardChunk[]): SpokenWord[] {
  let words: SpokenWord[] = [];
  for (const { chunk, words: next } of heard) {
    const seam = { start: chunk.start / SAMPLE_RATE_HZ, end: (chunk.heardTo ?? 0) / SAMPLE_RATE_HZ };
    words = chunk.heardTo === null ? [...words, ...next] : joinAtSeam(words, next, seam);
  }
  return words;
}

function transcriptOf(spoken: readonly SpokenWord[], { language, probability }: SpokenLanguage): Transcript {
  let latest = 0;
  const words = spoken
    .map((word) => {
      const start = Math.max(latest, word.start);
      latest = start;
      return { ...word, start, end: Math.max(start, word.end) };
    })
    .filter(({ text }) => text.trim() !== "");
  const utterances = Map.groupBy(words, ({ utterance }) => utterance);
  const text = words.map((word) => word.text).join("");
  return {
    language,
    language_probability: roundScore(probability),
    text: text.trim(),
    words: words.map((word) => timedText([word])),
    utterances: [...utterances.values()].map(timedText),
  };
}

function timedText(words: readonly SpokenWord[]) {
  const tokens = words.reduce((sum, word) => sum + word.tokens, 0);
  const logprob = words.reduce((sum, word) => sum + word.logprob, 0);
  return {
    text: words
      .map((word) => word.text)
      .join("")
      .trim(),
    start: roundSeconds(words[0]?.start ?? 0),
    end: roundSeconds(Math.max(...words.map((word) => word.end))),
    confidence: roundScore(Math.min(1, Math.exp(logprob / Math.max(1, tokens)))),
  };
}
