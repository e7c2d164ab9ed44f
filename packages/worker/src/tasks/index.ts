import type { TaskName } from "@earshot/shared/domain/tasks";
import { audioFeatures } from "./audio-features.ts";
import { musicEmbedding } from "./music-embedding.ts";
import { musicMood } from "./music-mood.ts";
import { musicNotes } from "./music-notes.ts";
import { musicPitch } from "./music-pitch.ts";
import { musicTags } from "./music-tags.ts";
import { speechQuality } from "./speech-quality.ts";
import { speechSegments } from "./speech-segments.ts";
import { speechSpeakers } from "./speech-speakers.ts";
import { speechTranscription } from "./speech-transcription.ts";
import type { Task } from "./task.ts";

export type InstalledTasks = { readonly [Name in TaskName]: Task<Name> };

/** Every task of the catalog: one that is missing here does not compile. */
export const INSTALLED_TASKS: InstalledTasks = {
  "audio.features": audioFeatures,
  "speech.segments": speechSegments,
  "speech.quality": speechQuality,
  "speech.transcription": speechTranscription,
  "speech.speakers": speechSpeakers,
  "music.pitch": musicPitch,
  "music.notes": musicNotes,
  "music.tags": musicTags,
  "music.mood": musicMood,
  "music.embedding": musicEmbedding,
};
