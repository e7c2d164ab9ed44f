/** As OpenAI has it. */
export const TRANSCRIPTIONS_PATH = "/v1/audio/transcriptions";
