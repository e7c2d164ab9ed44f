/** The embedded Postgres could not be started or stopped. The message is for the person at the terminal. */
export class PostgresError extends Error {
  override readonly name = "PostgresError";
}
