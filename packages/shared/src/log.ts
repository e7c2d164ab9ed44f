import { redact } from "./redact.ts";

export type LogFields = Readonly<Record<string, unknown>>;

/** One JSON object a line, on stderr. Fields are chosen by the caller: no bodies, no keys, no query strings. */
export interface Log {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

type Level = keyof Log;

export function createLog(
  service: string,
  write: (line: string) => void = (line) => console.error(line),
): Log {
  const at =
    (level: Level) =>
    (event: string, fields: LogFields = {}) =>
      write(redact(JSON.stringify({ time: new Date().toISOString(), level, service, event, ...fields })));
  return { info: at("info"), warn: at("warn"), error: at("error") };
}

export const silentLog: Log = { info() {}, warn() {}, error() {} };

/**
 * What may be said of an error in a log: name, code and message of it and its causes. Of a failed query
 * only the cause is told: drizzle's own message carries the parameters.
 */
export function describeError(error: unknown): LogFields {
  if (!(error instanceof Error)) return { error: String(error) };
  if (isFailedQuery(error)) return describeError(error.cause);
  const code = "code" in error ? { error_code: error.code } : {};
  const cause = error.cause === undefined ? {} : { cause: describeError(error.cause) };
  return { error: `${error.name}: ${error.message}`, ...code, ...cause };
}

/** DrizzleQueryError keeps the name "Error", and a bundler renames its class: its fields tell. */
function isFailedQuery(error: Error): boolean {
  return "query" in error && "params" in error;
}
