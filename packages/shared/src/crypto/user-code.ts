import { randomBytes } from "./bytes.ts";

/** No vowels, so no words; nothing that looks like another letter (RFC 8628, section 6.1). 20 letters, 34.6 bits. */
const LETTERS = "BCDFGHJKLMNPQRSTVWXZ";
const LENGTH = 8;

export function newUserCode(): string {
  let code = "";
  while (code.length < LENGTH) {
    const [byte = 0] = randomBytes(1);
    // 240 is a multiple of 20: every letter is as likely as the others.
    if (byte < 240) code += LETTERS[byte % LETTERS.length];
  }
  return formatted(code);
}

/** As it is kept, from what a person types: case, blanks and hyphens don't matter. Null: no code. */
export function readUserCode(text: string): string | null {
  const letters = text.toUpperCase().replaceAll(/[\s-]/g, "");
  return new RegExp(`^[${LETTERS}]{${LENGTH}}$`).test(letters) ? formatted(letters) : null;
}

function formatted(letters: string): string {
  return `${letters.slice(0, 4)}-${letters.slice(4)}`;
}
