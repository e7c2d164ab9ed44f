import type { Database } from "@earshot/shared/db/database";
import { findEvent } from "@earshot/shared/db/webhooks/list-events";
import type { StoredEvent } from "@earshot/shared/db/webhooks/list-events";
import { AppError } from "@earshot/shared/domain/errors";
import { requireId } from "../ids.ts";

/** @throws AppError `not_found` for nobody's and another account's. */
export async function requireEvent(db: Database, accountId: string, id: string): Promise<StoredEvent> {
  const event = await findEvent(db, accountId, requireId("event", id));
  if (event === null) throw new AppError("not_found");
  return event;
}
