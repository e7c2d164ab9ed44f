/** The words of the scripted Whisper: tone number k is the k-th of these. The last is said over and over once it is begun. */
export const SPOKEN = [" one", " two", " three", " four", " five", " six", " murmur", " la"] as const;
/** What they are in English, when that is asked for. */
export const TRANSLATED = [" uno", " due", " tre", " quattro", " cinque", " sei", " sette", " la"] as const;
/** How the first is written once this word was in the prompt. */
export const HINT = " Hint";
export const HINTED = " Won";
/** The tones that no word is read from for certain, and the one that is repeated for ever. */
export const MURMUR = 6;
export const LOOP = 7;

const LANGUAGES = ["en", "de", "fr"] as const;
const SPECIAL = [
  "<|endoftext|>",
  "<|startoftranscript|>",
  ...LANGUAGES.map((language) => `<|${language}|>`),
  "<|translate|>",
  "<|transcribe|>",
  "<|startoflm|>",
  "<|startofprev|>",
  "<|nospeech|>",
  "<|notimestamps|>",
];
export const TIMES = 1_501;

/** GPT-2's characters for bytes: those that can be seen stand for themselves, the others for U+0100 and on. */
const BYTES = byteCharacters();
const encoded = (word: string) => [...Buffer.from(word)].map((byte) => BYTES[byte] ?? "").join("");
/** Each word is put together from left to right, and each step is a token. */
const PIECES = [
  ...new Set(
    [...SPOKEN, ...TRANSLATED, HINT, HINTED].flatMap((word) =>
      Array.from({ length: encoded(word).length - 1 }, (_, i) => encoded(word).slice(0, i + 2)),
    ),
  ),
];
const TEXT = [...BYTES, ...PIECES];

/** The number of a word, or of a special token such as `<|en|>`. */
export function tokenOf(name: string): number {
  const special = SPECIAL.indexOf(name);
  return special >= 0 ? TEXT.length + special : TEXT.indexOf(encoded(name));
}

export const FIRST_TIME = TEXT.length + SPECIAL.length;
export const VOCABULARY_SIZE = FIRST_TIME + TIMES;

/** As published: `tokenizer.json` and `generation_config.json`, as far as they are read. */
export function scriptedTokenizer(): unknown {
  const times = Array.from({ length: TIMES }, (_, i) => `<|${(i * 0.02).toFixed(2)}|>`);
  return {
    model: {
      type: "BPE",
      vocab: Object.fromEntries(TEXT.map((token, id) => [token, id])),
      merges: PIECES.map((piece) => `${[...piece].slice(0, -1).join("")} ${[...piece].at(-1)}`),
    },
    added_tokens: [...SPECIAL, ...times].map((content, i) => ({
      id: TEXT.length + i,
      content,
      special: true,
    })),
  };
}

export function scriptedGenerationConfig(): unknown {
  return {
    is_multilingual: true,
    alignment_heads: [[0, 1]],
    lang_to_id: Object.fromEntries(
      LANGUAGES.map((language) => [`<|${language}|>`, tokenOf(`<|${language}|>`)]),
    ),
    task_to_id: { transcribe: tokenOf("<|transcribe|>"), translate: tokenOf("<|translate|>") },
    no_timestamps_token_id: tokenOf("<|notimestamps|>"),
    max_initial_timestamp_index: 50,
    suppress_tokens: [tokenOf("<|startoftranscript|>"), tokenOf("<|startofprev|>"), tokenOf("<|nospeech|>")],
    begin_suppress_tokens: [tokenOf(" "), tokenOf("<|endoftext|>")],
  };
}

function byteCharacters(): string[] {
  let next = 0x100;
  const isSeen = (byte: number) => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isSeen(byte) ? byte : next++));
}
