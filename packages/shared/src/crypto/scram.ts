import { hmacSha256, randomBytes, toBase64, utf8 } from "./bytes.ts";
import type { Bytes } from "./bytes.ts";

/** Postgres' own number. A password of 256 random bits needs none at all. */
const ITERATIONS = 4096;

/**
 * What Postgres keeps of a password, and takes in its place (RFC 5802, section 3, with SHA-256: RFC 7677; in the form of
 * RFC 5803). Of ASCII alone: SASLprep, which would leave that as it is, is not done.
 */
export async function scramVerifier(password: string, salt: Bytes = randomBytes(16)): Promise<string> {
  const salted = await pbkdf2(password, salt);
  const storedKey = await crypto.subtle.digest("SHA-256", await hmacSha256(salted, utf8("Client Key")));
  const serverKey = await hmacSha256(salted, utf8("Server Key"));
  const keys = `${toBase64(new Uint8Array(storedKey))}:${toBase64(serverKey)}`;
  return `SCRAM-SHA-256$${ITERATIONS}:${toBase64(salt)}$${keys}`;
}

async function pbkdf2(password: string, salt: Bytes): Promise<Bytes> {
  const key = await crypto.subtle.importKey("raw", utf8(password), "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt, iterations: ITERATIONS };
  return new Uint8Array(await crypto.subtle.deriveBits(how, key, 256));
}
