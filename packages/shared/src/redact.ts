/**
 * The last net under "no secret in a log": whatever has the form of one is struck out of the finished line, however it
 * got there. It is no licence to log one; what has no form of its own it can't see.
 */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  // API keys and session tokens: their public part stays, by which somebody can revoke them.
  [/\b(ek_[0-9a-z]{12}|es_[0-9A-Za-z]{26})_[A-Za-z0-9_-]{20,}/g, "$1_[redacted]"],
  [/whsec_[A-Za-z0-9+/_-]{16,}={0,2}/g, "whsec_[redacted]"],
  // JWTs, by the beginning of every JSON header.
  [/\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g, "[redacted JWT]"],
  [/\b(Bearer|Basic) +[A-Za-z0-9._~+/=-]{8,}/gi, "$1 [redacted]"],
  // The password of a URL, and what its query says that is secret.
  [/(:\/\/[^\s:@/"\\]*):[^\s@/"\\]+@/g, "$1:[redacted]@"],
  [
    /([?&](?:[\w-]*(?:token|secret|password|signature|credential|key|code|auth)|sig)=)[^&\s"\\]+/gi,
    "$1[redacted]",
  ],
];

export function redact(line: string): string {
  return SECRETS.reduce((text, [form, instead]) => text.replace(form, instead), line);
}
