import { constantTimeEqual, randomBytes, sha256Hex, toBase64Url } from "./bytes.ts";

/** What a session is shown by: `es_<ULID of its id>_<256 random bits>`. Only the hash of the secret is kept. */
export interface SessionToken {
  sessionId: string;
  secret: string;
}

const FORM = /^es_([0-7][0-9A-HJKMNP-TV-Z]{25})_([A-Za-z0-9_-]{43})$/;

export function newSecret(): string {
  return toBase64Url(randomBytes(32));
}

export function formatSessionToken({ sessionId, secret }: SessionToken): string {
  return `es_${sessionId.replace(/^ses_/, "")}_${secret}`;
}

/** The parts of a token, or null when it does not have the form of one. */
export function parseSessionToken(token: string): SessionToken | null {
  const [, ulid, secret] = FORM.exec(token) ?? [];
  return ulid === undefined || secret === undefined ? null : { sessionId: `ses_${ulid}`, secret };
}

/** Compared where there is nothing to compare with, so that all cost the same. */
const NOBODY = "0".repeat(64);

/** Which of the two hashes the secret has: both are always compared, by one hash. */
export async function matchSecret(
  secret: string,
  row: { secretHash: string; previousHash: string | null } | null,
): Promise<"current" | "previous" | "none"> {
  const hash = await sha256Hex(secret);
  const isCurrent = constantTimeEqual(hash, row?.secretHash ?? NOBODY);
  const isPrevious = constantTimeEqual(hash, row?.previousHash ?? NOBODY);
  if (row === null) return "none";
  if (isCurrent) return "current";
  return isPrevious && row.previousHash !== null ? "previous" : "none";
}
