import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import type { Passwords } from "./deps.ts";

/** OWASP's third choice: 32 MiB for a guess, thrice. */
const COST = { N: 2 ** 15, r: 8, p: 3 };
type Cost = typeof COST;
const MOST_MEMORY = 64 * 1024 ** 2;
const HASH_BYTES = 32;
const FORM = /^scrypt\$(\d+)\$(\d+)\$(\d+)\$([\w-]+)\$([\w-]+)$/;

/** So many at once: the others wait, and nobody fills the memory by knocking. */
const MOST_AT_ONCE = 2;

/** scrypt of node:crypto, off the event loop. Where there is no hash to compare with, it costs the same. */
export function scryptPasswords(cost: Cost = COST): Passwords {
  const inTurn = turns(MOST_AT_ONCE);
  const noHash = inTurn(() => hash("nobody's", cost));
  return {
    hash: (password) => inTurn(() => hash(password, cost)),
    async matches(password, stored) {
      const reference = stored ?? (await noHash);
      const matches = await inTurn(() => compare(password, reference));
      return matches && stored !== null;
    },
  };
}

async function hash(password: string, { N, r, p }: Cost): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, { N, r, p });
  return ["scrypt", N, r, p, salt.toString("base64url"), key.toString("base64url")].join("$");
}

async function compare(password: string, stored: string): Promise<boolean> {
  const [, N, r, p, salt = "", key = ""] = FORM.exec(stored) ?? [];
  if (N === undefined) throw new Error("a stored password has another form");
  const cost = { N: Number(N), r: Number(r), p: Number(p) };
  const expected = Buffer.from(key, "base64url");
  return timingSafeEqual(await derive(password, Buffer.from(salt, "base64url"), cost), expected);
}

function derive(password: string, salt: Buffer, cost: Cost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // One text may be written in several ways (NFC, NFD): keyboards differ.
    scrypt(password.normalize("NFKC"), salt, HASH_BYTES, { ...cost, maxmem: MOST_MEMORY }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

/** Lets `most` run at once, the others in the order in which they came. */
function turns(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = most;
  const waiting: (() => void)[] = [];
  return async function inTurn(work) {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free -= 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
