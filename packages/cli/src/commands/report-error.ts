import type { ErrorDetail } from "@earshot/shared/domain/errors";
import type { CommandError } from "./command-error.ts";

/** The one line that stands on stdout where a result would have stood. */
export function errorJson({ code, message, detail }: CommandError, more: ErrorDetail = {}): string {
  return JSON.stringify({ error: { code, message, detail: { ...more, ...detail } } });
}
