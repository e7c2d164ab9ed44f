import { ulid } from "ulid";

export const ID_PREFIXES = {
  account: "acc",
  apiKey: "key",
  upload: "upl",
  job: "job",
  event: "evt",
  endpoint: "whe",
  delivery: "dlv",
  user: "usr",
  box: "box",
  audit: "aud",
  token: "tok",
  session: "ses",
  invitation: "inv",
  calibration: "cal",
  speaker: "spk",
} as const;

export type IdKind = keyof typeof ID_PREFIXES;

/** `<prefix>_<ULID>`: sorts by time of creation. */
export function newId(kind: IdKind): string {
  return `${ID_PREFIXES[kind]}_${ulid()}`;
}

/** Crockford's base 32, first character ≤ 7 so that 128 bits hold it (ULID spec). */
export function idPattern(kind: IdKind): RegExp {
  return new RegExp(`^${ID_PREFIXES[kind]}_[0-7][0-9A-HJKMNP-TV-Z]{25}$`);
}
