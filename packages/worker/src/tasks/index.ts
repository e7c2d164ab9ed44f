import type { TaskName } from "@earshot/shared/domain/tasks";
import { audioFeatures } from "./audio-features.ts";
import { musicEmbedding } from "./music-embedding.ts";
import { musicMood } from "./music-mood.ts";
import { musicTags } from "./music-tags.ts";
import { speechSegments } from "./speech-segments.ts";
import type { Task } from "./task.ts";

export type InstalledTasks = { readonly [Name in TaskName]: Task<Name> };

/** Every task of the catalog: one that is missing here does not compile. */
export const INSTALLED_TASKS: InstalledTasks = {
  "audio.features": audioFeatures,
  "speech.segments": speechSegments,
  "music.tags": musicTags,
  "music.mood": musicMood,
  "music.embedding": musicEmbedding,
};
