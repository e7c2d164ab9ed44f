/** A phrase of so many tokens at most that comes this often in a row, and makes up so many tokens, is no speech. */
const LONGEST_PHRASE = 16;
const LEAST_REPEATS = 4;
const LEAST_TOKENS = 16;

/** How many tokens the repeats of a phrase take up at the end, the first time not counted. 0: they do not repeat. */
export function repeatedTail(tokens: readonly number[]): number {
  for (let phrase = 1; phrase <= LONGEST_PHRASE; phrase++) {
    let same = 0;
    while (same + phrase < tokens.length && tokens.at(-1 - same) === tokens.at(-1 - same - phrase)) same += 1;
    const repeats = Math.floor(same / phrase);
    if (repeats + 1 >= LEAST_REPEATS && same + phrase >= LEAST_TOKENS) return repeats * phrase;
  }
  return 0;
}
