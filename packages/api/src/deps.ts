import type { Handler } from "hono";
import type { AwsCredentials } from "@earshot/shared/aws-credentials";
import type { BlobStore, UploadSigner } from "@earshot/shared/blobs/blob-store";
import type { ResultKeys } from "@earshot/shared/crypto/result-keys";
import type { SealKeys } from "@earshot/shared/crypto/seal";
import type { SigningAlgorithm } from "@earshot/shared/crypto/signing-keys";
import type { Database } from "@earshot/shared/db/database";
import type { LoopbackAllowance } from "@earshot/shared/domain/loopback";
import type { Log } from "@earshot/shared/log";
import type { JobBell } from "@earshot/shared/queue/job-queue";
import type { AppContext, AppEnv } from "./env.ts";
import type { Provider } from "./oidc/provider.ts";
import type { ModelBody } from "./routes/models/model-body.ts";
import type { RateLimiter } from "./rate-limits/rate-limiter.ts";
import type { RateLimits } from "./rate-limits/rate-limits.ts";
import type { JobWatch } from "./watch-jobs.ts";

/** All that the front door needs from its runtime. */
export interface Deps {
  db: Database;
  bell: JobBell;
  blobs: BlobStore;
  uploadSigner: UploadSigner;
  /** Takes what is put to the URLs that `uploadSigner` signs; null where a bucket takes it itself. */
  putBlob: ((deps: Pick<Deps, "blobs" | "clock">) => Handler<AppEnv>) | null;
  sealKeys: SealKeys;
  tokens: TokenSettings;
  /** Whose tokens are believed, and where people may sign in. */
  providers: readonly Provider[];
  /** Open the results of speech; null where none is sealed. */
  resultKeys: ResultKeys | null;
  /** Of people who sign in here; null where the runtime can't, or the deployment won't. */
  passwords: Passwords | null;
  /** What machines that do the work are given; null where none may come in. */
  boxes: BoxService | null;
  watchJobs: JobWatch;
  clientIp: ClientIp;
  rateLimiter: RateLimiter;
  rateLimits: RateLimits;
  /** Whose pages may ask from a browser, with cookies. */
  corsOrigins: readonly string[];
  readiness: (signal: AbortSignal) => Promise<Readiness>;
  /** The OpenAPI document, the page for people that is made of it, and the models: at the edge no part of the Worker and its 150 KiB. */
  document: () => Promise<object>;
  docsPage: () => Promise<string>;
  models: () => Promise<readonly ModelBody[]>;
  /** How long an answer in OpenAI's shape may wait for its job. Without it 90 s. */
  transcriptionWaitSeconds?: number;
  log: Log;
  clock: () => Date;
  /** http on loopback is allowed for `input.url` and webhooks: for tests. */
  allowLoopback: LoopbackAllowance;
}

/** The address a request comes from, or null where nobody can say. No header that the client wrote decides it. */
export type ClientIp = (c: AppContext) => string | null;

export interface Passwords {
  hash(password: string): Promise<string>;
  /** Against what `hash` gave. Costs the same where there is nothing to compare with. */
  matches(password: string, hash: string | null): Promise<boolean>;
}

/** Where a machine finds its work, and by what. */
export interface BoxService {
  /** Without a login. */
  databaseUrl: string;
  queue: { url: string; endpoint?: string | undefined };
  /** Null where blobs lie in a directory. */
  blobs: string | null;
  /** For the queue, and for a bucket on AWS. Null: nobody asks for any. */
  lendCredentials(boxId: string): Promise<AwsCredentials | null>;
}

/** Of the tokens that we sign ourselves. */
export interface TokenSettings {
  /** `iss`: the API as clients reach it, without a slash at the end. Never what a request says of itself. */
  issuer: string;
  /** Of the first signing key; a rotation may choose another. */
  algorithm: SigningAlgorithm;
}

export interface Readiness {
  database: "up" | "down";
  migrations: "current" | "behind" | "unknown";
}
