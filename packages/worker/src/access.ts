import type { BucketCredentials } from "@earshot/shared/blobs/s3-bucket";
import { ConfigError } from "@earshot/shared/config/config-error";
import type { ResultSealKey } from "@earshot/shared/crypto/result-keys";
import type { QueueConfig } from "@earshot/shared/queue/job-queue";
import { openBoxAccess } from "./box-access.ts";
import type { BoxAccessOptions } from "./box-access.ts";
import type { WorkerConfig } from "./config.ts";

/** What a worker enters, and by what: as its environment says, or as an enrolled box is told. */
export interface Access extends AsyncDisposable {
  database: { url: string; password?: () => Promise<string> };
  queue: QueueConfig;
  blobs: string;
  blobsCredentials: BucketCredentials | null;
  /** Null: what the environment says. */
  resultSealKey: ResultSealKey | null;
  /** Null: this worker was enrolled by nobody. */
  boxId: string | null;
  /** Aborts when somebody has revoked this box. */
  revoked: AbortSignal;
  doubt(): void;
}

/** @throws ConfigError, and what `openBoxAccess` throws. */
export async function openAccess(config: WorkerConfig, options: BoxAccessOptions): Promise<Access> {
  const { BOX_KEY: boxKey, BLOBS_CREDENTIALS: credentials } = config;
  if (boxKey === undefined) return givenAccess(config);
  const box = await openBoxAccess(boxKey, options);
  const blobs = config.BLOBS ?? box.blobs;
  if (blobs === null) {
    await box[Symbol.asyncDispose]();
    throw new ConfigError("EARSHOT_BLOBS: is missing, and the API's is a directory of its own machine");
  }
  return { ...box, blobs, blobsCredentials: credentials ?? box.awsCredentials, boxId: boxKey.box_id };
}

/** What the environment says, which ends with the process. */
function givenAccess({
  DATABASE_URL,
  QUEUE_URL,
  QUEUE_ENDPOINT,
  BLOBS,
  BLOBS_CREDENTIALS,
}: WorkerConfig): Access {
  return {
    database: { url: DATABASE_URL ?? "" },
    queue: { url: QUEUE_URL ?? "", endpoint: QUEUE_ENDPOINT },
    blobs: BLOBS ?? "",
    blobsCredentials: BLOBS_CREDENTIALS ?? null,
    resultSealKey: null,
    boxId: null,
    revoked: new AbortController().signal,
    doubt() {},
    async [Symbol.asyncDispose]() {},
  };
}
