import type { Log, LogFields } from "../log.ts";

/** What is done with the fields of an event, by the event's name. */
export type EventWatchers = Readonly<Record<string, (fields: LogFields) => void>>;

/**
 * The same log, whose wide events are counted as well: what is measured is what is logged, in one place each. It stands
 * before any filter of levels.
 */
export function watchEvents(log: Log, watchers: EventWatchers): Log {
  const at = (level: keyof Log) => (event: string, fields?: LogFields) => {
    log[level](event, fields);
    if (Object.hasOwn(watchers, event)) watchers[event]?.(fields ?? {});
  };
  return { info: at("info"), warn: at("warn"), error: at("error") };
}

/** A field as a label: what isn't there or isn't text is "none". */
export function labelOf(field: unknown): string {
  return typeof field === "string" || typeof field === "number" ? String(field) : "none";
}

/** Milliseconds of a field as seconds. */
export function secondsOf(field: unknown): number {
  return typeof field === "number" ? field / 1_000 : 0;
}
