import { and, eq, isNull, sql } from "drizzle-orm";
import { fromNow } from "./clock.ts";
import type { Database } from "./database.ts";
import { uploads } from "./schema.ts";

export type Upload = typeof uploads.$inferSelect;

export interface NewUpload {
  id: string;
  accountId: string;
  filename: string;
  contentType: string;
  sizeBytes: number;
  sha256: string | null;
  openSeconds: number;
}

export async function insertUpload(db: Database, input: NewUpload): Promise<Upload> {
  const { openSeconds, ...rest } = input;
  const [upload] = await db
    .insert(uploads)
    .values({ ...rest, blobKey: `uploads/${input.id}`, putExpiresAt: fromNow(openSeconds) })
    .returning();
  if (upload === undefined) throw new Error("an insert gave no row");
  return upload;
}

export async function findUpload(db: Database, accountId: string, id: string): Promise<Upload | null> {
  const [upload] = await db
    .select()
    .from(uploads)
    .where(and(eq(uploads.id, id), eq(uploads.accountId, accountId), isNull(uploads.deletedAt)));
  return upload ?? null;
}

export async function completeUpload(db: Database, accountId: string, id: string): Promise<void> {
  await db
    .update(uploads)
    .set({ status: "complete", completedAt: sql`now()` })
    .where(and(eq(uploads.id, id), eq(uploads.accountId, accountId), eq(uploads.status, "open")));
}

/** For the worker, which has the job and so its account. */
export async function readUpload(db: Database, id: string): Promise<Upload | null> {
  const [upload] = await db.select().from(uploads).where(eq(uploads.id, id));
  return upload ?? null;
}
