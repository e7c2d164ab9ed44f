import type { TaskName } from "@earshot/shared/domain/tasks";
import { createRegistry } from "../inference/registry.ts";
import type { Registry } from "../inference/registry.ts";
import { loudnessGraph } from "../inference/testing/loudness-graph.ts";
import { writeStandIns } from "../inference/testing/write-stand-ins.ts";
import { writeStandInModels as writeMusicnn } from "../tasks/music/testing/stand-in-models.ts";
import { writeStandInModels as writeSpeakers } from "../tasks/speakers/testing/stand-in-models.ts";
import { speak } from "../tasks/speakers/testing/tone-voices.ts";
import { say } from "../tasks/whisper/testing/say.ts";
import { writeScriptedWhisper } from "../tasks/whisper/testing/scripted-whisper.ts";

/** How a task is made to hear hours, and what it has to say of them. */
export interface MemoryCase {
  /** Graphs of its models' contracts. Without them it runs what npm brings, or no model. */
  standIns?: (directory: string) => Promise<Registry>;
  /** What the stand-ins hear something in, at 16 kHz. Without it: the sample of speech. */
  sound?: () => Float32Array;
  /** From one value of its columns to the next. */
  hopSeconds?: number;
  /** Its lists of times, each of which has something of the sound. */
  lists?: readonly string[];
}

const musicnn = { standIns: writeMusicnn, hopSeconds: 1.488 };

/** Of every task of the catalog: one that is missing here does not compile. */
export const MEMORY_CASES: Readonly<Record<TaskName, MemoryCase>> = {
  "audio.features": { lists: ["silences", "beats"] },
  "speech.segments": { lists: ["segments"] },
  "speech.quality": { standIns: (directory) => writeLoudness(directory, QUALITY), hopSeconds: 1 },
  "speech.transcription": {
    standIns: writeScriptedWhisper,
    sound: sentences,
    lists: ["words", "utterances"],
  },
  "speech.speakers": { standIns: writeSpeakers, sound: conversation, lists: ["turns", "exclusive_turns"] },
  "music.pitch": { standIns: (directory) => writeLoudness(directory, PITCH), hopSeconds: 0.016 },
  "music.notes": { standIns: (directory) => writeLoudness(directory, NOTES), lists: ["notes"] },
  "music.tags": musicnn,
  "music.mood": musicnn,
  "music.embedding": { standIns: writeMusicnn },
};

type Patterns = Parameters<typeof loudnessGraph>[1];

const QUALITY = {
  dnsmos_sig_bak_ovr: { "Identity:0": () => 3 },
  dnsmos_p808_model_v8: { "Identity:0": () => 3 },
};
const PITCH = { swift_f0: { pitch_hz: () => 220, confidence: () => 0.95 } };
/** Of each window's 172 frames four keys, a semitone of each octave, sound from the 40th to the 120th. */
const NOTES = {
  basic_pitch_nmp: {
    "StatefulPartitionedCall:0": () => 0,
    "StatefulPartitionedCall:1": (cell: number) => (isPlayed(cell, 40, 120) ? 0.8 : 0.02),
    "StatefulPartitionedCall:2": (cell: number) => (isPlayed(cell, 40, 41) ? 0.9 : 0.01),
  },
};

function isPlayed(cell: number, firstFrame: number, endFrame: number): boolean {
  const [frame, key] = [Math.floor(cell / 88), cell % 88];
  return frame >= firstFrame && frame < endFrame && key >= 24 && key < 72 && key % 12 === 0;
}

/** Forty seconds with two sentences. */
function sentences(): Float32Array {
  return say(40, [
    { at: 2, words: [0, 1, 2, 3] },
    { at: 22, words: [4, 5, 0] },
  ]);
}

/** Forty seconds of three who take turns, one of whom interrupts. */
function conversation(): Float32Array {
  const script = [
    { start: 1, end: 9, speaker: 0 },
    { start: 9.5, end: 16, speaker: 3 },
    { start: 17, end: 26, speaker: 5 },
    { start: 25, end: 32, speaker: 0 },
    { start: 33, end: 39, speaker: 3 },
  ];
  return speak(script, 40);
}

function writeLoudness(directory: string, models: Readonly<Record<string, Patterns>>): Promise<Registry> {
  const { find } = createRegistry();
  const graphs = Object.entries(models).map(
    ([id, patterns]) => [id, loudnessGraph(find(id), patterns)] as const,
  );
  return writeStandIns(directory, new Map(graphs));
}
