/** As OpenAI has them, each with what Whisper is to do. */
export const SPOKEN_PATHS = {
  "/v1/audio/transcriptions": "transcribe",
  "/v1/audio/translations": "translate",
} as const;

export type SpokenPath = keyof typeof SPOKEN_PATHS;

export function isSpokenPath(path: string): path is SpokenPath {
  return Object.hasOwn(SPOKEN_PATHS, path);
}
