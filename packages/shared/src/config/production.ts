import { fromBase64 } from "../crypto/bytes.ts";

type Env = Readonly<Record<string, string | undefined>>;

const LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]"];

/** Said so, or on a database of another machine. The embedded stack and tests are neither. */
export function isProduction(env: Env, databaseUrl: string | undefined): boolean {
  const said = env["EARSHOT_ENV"];
  if (said) return said === "production";
  if (databaseUrl === undefined || !URL.canParse(databaseUrl)) return false;
  return !LOOPBACK_HOSTS.includes(new URL(databaseUrl).hostname);
}

// Of examples, tutorials and images.
const DEFAULTS =
  /^(postgres|earshot|password|passwort|secret|admin|root|minioadmin|embedded|default|example|test)\d*$|change.?me|replace.?me|your.?(secret|password|key)|example/i;

const SHORTEST_PASSWORD = 16;
/** Of 32 random bytes fewer than 20 differ once in 10^8 keys. */
const FEWEST_DISTINCT_BYTES = 20;

/** What is wrong with a secret that others may know or guess; null when nothing is seen. It never tells the secret. */
export function weaknessOf(name: string, value: string): string | null {
  // Not a person's choice: `earshot worker enrol` makes it.
  if (name === "BOX_KEY") return null;
  if (name === "DATABASE_URL") return URL.canParse(value) ? passwordWeakness(new URL(value).password) : null;
  if (name === "BLOBS_CREDENTIALS" || name === "QUEUE_CREDENTIALS")
    return passwordWeakness(value.slice(value.indexOf(":") + 1));
  for (const part of value.split(",")) {
    const weakness = keyWeakness(part.trim().split(":").at(-1) ?? "");
    if (weakness !== null) return weakness;
  }
  return null;
}

function passwordWeakness(encoded: string): string | null {
  const password = decodeURIComponent(encoded);
  if (password === "") return "has no password";
  if (DEFAULTS.test(password)) return "is a default that everybody knows";
  return password.length < SHORTEST_PASSWORD ? `is shorter than ${SHORTEST_PASSWORD} characters` : null;
}

function keyWeakness(text: string): string | null {
  if (DEFAULTS.test(text)) return "is a default that everybody knows";
  try {
    const bytes = fromBase64(text);
    const words = new TextDecoder().decode(bytes);
    if (DEFAULTS.test(words)) return "is a default that everybody knows";
    if (bytes.length >= 32 && new Set(bytes).size < FEWEST_DISTINCT_BYTES) return "is not random";
  } catch {
    // Not a key's form, which whoever parses it says.
  }
  return null;
}
