import { usageError } from "./command-error.ts";

/** Seconds of `--grace-hours`. @throws CommandError for what is no number from 0 to `most` */
export function readGraceHours(text: string, most: number): number {
  const hours = Number(text);
  if (text.trim() === "" || !(hours >= 0 && hours <= most))
    throw usageError(`--grace-hours is a number from 0 to ${most}.`);
  return Math.round(hours * 3600);
}
