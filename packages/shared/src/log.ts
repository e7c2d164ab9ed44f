import { redact } from "./redact.ts";

export type LogFields = Readonly<Record<string, unknown>>;

/** One JSON object a line, on stderr. Fields are chosen by the caller: no bodies, no keys, no query strings. */
export interface Log {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

/** From the one that says most to the one that says least. */
export const LOG_LEVELS = ["info", "warn", "error"] as const satisfies (keyof Log)[];

export type LogLevel = (typeof LOG_LEVELS)[number];

export function createLog(
  service: string,
  write: (line: string) => void = (line) => console.error(line),
): Log {
  const at =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}) =>
      write(redact(JSON.stringify({ time: new Date().toISOString(), level, service, event, ...fields })));
  return { info: at("info"), warn: at("warn"), error: at("error") };
}

/** The same log without what is below `least()`, which is asked each time. */
export function atLeast(least: () => LogLevel, log: Log): Log {
  const at = (level: LogLevel) => (event: string, fields?: LogFields) => {
    if (LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least())) log[level](event, fields);
  };
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
