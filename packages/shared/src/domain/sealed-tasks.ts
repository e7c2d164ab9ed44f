/** What was said, by whom and when, is nobody's to read who only has the database or the blobs. */
export function isSealedTask(task: string): boolean {
  return task.startsWith("speech.");
}

/** What a result's sealed key is bound to. */
export function resultContext(jobId: string, task: string): string {
  return `${jobId} ${task}`;
}
