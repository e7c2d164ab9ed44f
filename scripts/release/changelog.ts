/** The versions of a changelog, newest first, below its first lines. */
const TITLE = "# Changelog\n\nEach line is what is so since that version.\n";

export interface Release {
  version: string;
  /** ISO 8601. */
  date: string;
  /** Subjects of commits, oldest first. */
  subjects: readonly string[];
}

/** The changelog with one more version on top. */
export function withRelease(changelog: string, { version, date, subjects }: Release): string {
  const older = changelog.startsWith(TITLE) ? changelog.slice(TITLE.length) : "";
  const lines = subjects.map((subject) => `- ${subject}\n`).join("");
  return `${TITLE}\n## ${version} (${date})\n\n${lines}${older}`;
}

/** What it says of one version, without its heading; null where there is none. */
export function notesOf(changelog: string, version: string): string | null {
  const [, body] = changelog.split(`\n## ${version} (`);
  return body === undefined ? null : `${(body.split("\n## ")[0] ?? "").replace(/^.*\n+/, "").trimEnd()}\n`;
}
