/** What a damaged, foreign or cut-off backup is, and a place that none fits into. The message is for a person. */
export class BackupError extends Error {
  override readonly name = "BackupError";
}
