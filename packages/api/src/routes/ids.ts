import * as z from "zod";
import { idPattern } from "@earshot/shared/crypto/ids";
import type { IdKind } from "@earshot/shared/crypto/ids";
import { AppError } from "@earshot/shared/domain/errors";

/** `{id}` in a path. Any text passes: what isn't an id is nobody's, and that is a 404 like another account's. */
export const IdParams = z.object({ id: z.string() });

export function requireId(kind: IdKind, id: string): string {
  if (!idPattern(kind).test(id)) throw new AppError("not_found");
  return id;
}
