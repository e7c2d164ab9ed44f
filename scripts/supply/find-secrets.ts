/** A secret that was found: where and of what kind, never what it is. */
export interface FoundSecret {
  line: number;
  kind: string;
}

/** Ours first, then those that are most often committed by mistake. */
const PATTERNS: Record<string, RegExp> = {
  "an API key": /\bek_[0-9a-z]{12}_[\w-]{43}(?![\w-])/g,
  "a webhook secret": /\bwhsec_[A-Za-z0-9+/]{32,88}={0,2}/g,
  "a seal key": /\b[\w-]{1,32}:[\w+/-]{43}=?(?![\w+/=-])/g,
  "a private key (PKCS #8)": /\bM(?:C4CAQAwBQYDK2V[uw]|IG[HT]AgEAMBMGByqGSM49)[\w+/-]{40,}/g,
  "a private key (JWK)": /"d": ?"[\w-]{43}"/g,
  "a private key (PEM)": /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{24,}/g,
  "a private key (age)": /\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b/g,
  "a password in a URL":
    /\b[a-z][a-z0-9+.-]*:\/\/[\w.%-]*:(?!\$|none@|password@|PASSWORD@)[^\s:@/"'`<>${}[\]]{8,}@(?!127\.0\.0\.1|localhost|\[::1\]|db\.example)/g,
  "an access key of AWS": /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g,
  "a token of GitHub": /\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{60,})/g,
  "a token of npm": /\bnpm_[A-Za-z0-9]{36}\b/g,
  "a token of Slack": /\bxox[abprs]-[A-Za-z0-9-]{20,}/g,
  "a key of Stripe": /\b[rs]k_live_[A-Za-z0-9]{20,}/g,
  "a key of Google": /\bAIza[\w-]{35}\b/g,
  "a JSON Web Token": /\beyJ[\w-]{16,}\.eyJ[\w-]{16,}\.[\w-]{40,}/g,
};

/** Published as examples by those who made the format. */
const PUBLIC = new Set(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]);

/** What in a text looks like a secret. One that ends in `secret-scan: REASON` is known not to be one. */
export function findSecrets(text: string): FoundSecret[] {
  return Object.entries(PATTERNS).flatMap(([kind, pattern]) =>
    [...text.matchAll(pattern)]
      .filter((match) => !PUBLIC.has(match[0]) && !isExcused(text, match.index + match[0].length))
      .map((match) => ({ kind, line: text.slice(0, match.index).split("\n").length })),
  );
}

function isExcused(text: string, end: number): boolean {
  const [rest = ""] = text.slice(end).split("\n", 1);
  return /\/\/ secret-scan: \S/.test(rest);
}
