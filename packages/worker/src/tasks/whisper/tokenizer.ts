import * as z from "zod";

/** As much of a published `tokenizer.json` as a byte-level BPE needs. */
const published = z.object({
  model: z.object({
    vocab: z.record(z.string(), z.int().nonnegative()),
    /** "a b", or, of newer files, ["a", "b"]. */
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
  }),
  added_tokens: z.array(z.object({ id: z.int().nonnegative(), content: z.string() })),
});

/** How GPT-2 parts a text before it merges bytes: what stands on both sides of a cut never becomes one token. */
const PARTS = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** Texts to the tokens of a byte-level BPE and back. */
export class Tokenizer {
  readonly #idOf: ReadonlyMap<string, number>;
  /** By id, of text. */
  readonly #bytesOf = new Map<number, Uint8Array>();
  readonly #added: ReadonlyMap<string, number>;
  readonly #rankOf: ReadonlyMap<string, number>;

  /** @throws ZodError that names what is wrong with a `tokenizer.json`. */
  constructor(json: unknown) {
    const { model, added_tokens } = published.parse(json);
    this.#added = new Map(added_tokens.map(({ id, content }) => [content, id]));
    this.#idOf = new Map(Object.entries(model.vocab));
    for (const [token, id] of this.#idOf) {
      if (!this.#added.has(token)) this.#bytesOf.set(id, bytesOf(token));
    }
    this.#rankOf = new Map(
      model.merges.map((merge, rank) => [typeof merge === "string" ? merge : merge.join(" "), rank]),
    );
  }

  /** The number of a token that stands for itself, such as `<|en|>`. */
  special(content: string): number | null {
    return this.#added.get(content) ?? null;
  }

  encode(text: string): number[] {
    return [...text.matchAll(PARTS)].flatMap(([part]) =>
      this.#merged([...Buffer.from(part)].map((byte) => CHARACTERS[byte] ?? "")).map(
        (piece) => this.#idOf.get(piece) ?? 0,
      ),
    );
  }

  /** Tokens that stand for themselves have no bytes. */
  bytesOf(token: number): Uint8Array {
    return this.#bytesOf.get(token) ?? new Uint8Array();
  }

  decode(tokens: readonly number[]): string {
    return Buffer.concat(tokens.map((token) => this.bytesOf(token))).toString("utf8");
  }

  /** Of all neighbours the pair that was learnt first becomes one, until none is left that was learnt. */
  #merged(characters: readonly string[]): readonly string[] {
    let pieces = characters;
    for (;;) {
      const ranks = pieces.slice(1).map((piece, i) => this.#rankOf.get(`${pieces[i]} ${piece}`) ?? Infinity);
      const best = Math.min(...ranks);
      if (best === Infinity) return pieces;
      const first = ranks.indexOf(best);
      pieces = [
        ...pieces.slice(0, first),
        pieces.slice(first, first + 2).join(""),
        ...pieces.slice(first + 2),
      ];
    }
  }
}

/** GPT-2's characters for bytes: those that can be seen stand for themselves, the others for U+0100 and on. */
const CHARACTERS = byteCharacters();
const BYTES = new Map(CHARACTERS.map((character, byte) => [character, byte]));

function byteCharacters(): string[] {
  let next = 0x100;
  const isSeen = (byte: number) => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isSeen(byte) ? byte : next++));
}

function bytesOf(token: string): Uint8Array {
  return Uint8Array.from(token, (character) => BYTES.get(character) ?? 0x3f);
}
