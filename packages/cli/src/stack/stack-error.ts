/** The embedded stack can't start or go on. The message is for the person at the terminal and says what to do. */
export class StackError extends Error {
  override readonly name = "StackError";
}
