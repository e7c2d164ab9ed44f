import { pathToFileURL } from "node:url";
import { parseEnv } from "@earshot/shared/config/env";
import type { Env } from "@earshot/shared/config/env";
import { BLOBS_SHAPE, requireBlobsCredentials } from "@earshot/shared/config/blobs";
import { openBlobs } from "@earshot/shared/blobs/open-blobs";
import type { BlobStore } from "@earshot/shared/blobs/blob-store";
import * as z from "zod";
import type { Home } from "../stack/home.ts";
import { readStackConfig } from "../stack/stack-config.ts";

/** What a backup is of, and a restore is into: what the environment names, or the home's own. */
export interface BackupPlace {
  home: Home;
  /** The owner's; null: that of the home. */
  databaseUrl: string | null;
  blobs: BlobStore;
}

export async function readPlace(env: Env): Promise<BackupPlace> {
  const { home } = readStackConfig(env);
  const { DATABASE_URL, ...named } = parseEnv(
    env,
    { DATABASE_URL: z.url().optional(), ...BLOBS_SHAPE, BLOBS: BLOBS_SHAPE.BLOBS.optional() },
    ["DATABASE_URL", "BLOBS_CREDENTIALS"],
  );
  const location = named.BLOBS ?? pathToFileURL(home.blobs).href;
  const credentials = requireBlobsCredentials({ ...named, BLOBS: location });
  return { home, databaseUrl: DATABASE_URL ?? null, blobs: await openBlobs(location, credentials) };
}

/** Of the home: what opens what is sealed, and what proves the audit log. The names are those of a backup's files. */
export function keyFilesOf(home: Home): ReadonlyMap<string, string> {
  return new Map([
    ["seal-keys", home.sealKeys],
    ["result-keys", home.resultKeys],
    ["result-seal-key", home.resultSealKey],
    ["url-key", home.urlKey],
    ["audit-key", home.auditKey],
    ["audit-key.pub", home.auditPublicKeys],
    ["audit-head", home.auditHead],
  ]);
}
