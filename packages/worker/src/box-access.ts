import * as z from "zod";
import type { AwsCredentials } from "@earshot/shared/aws-credentials";
import { signAssertion } from "@earshot/shared/crypto/box-assertions";
import type { BoxKey } from "@earshot/shared/crypto/box-assertions";
import { parseResultSealKey } from "@earshot/shared/crypto/result-keys";
import type { ResultSealKey } from "@earshot/shared/crypto/result-keys";
import { jittered } from "@earshot/shared/domain/backoff";
import type { Random } from "@earshot/shared/domain/backoff";
import { describeError } from "@earshot/shared/log";
import type { Log } from "@earshot/shared/log";
import { pause } from "@earshot/shared/pause";
import type { QueueConfig } from "@earshot/shared/queue/job-queue";

const Token = z.object({
  expires_in: z.number().positive(),
  database: z.object({ url: z.url(), password: z.string() }),
  queue: z.object({ url: z.url(), endpoint: z.url().nullable() }),
  blobs: z.string().nullable(),
  aws: z
    .object({
      access_key_id: z.string(),
      secret_access_key: z.string(),
      session_token: z.string().nullable(),
    })
    .nullable(),
  result_seal_key: z.string().nullable(),
});
type Token = z.output<typeof Token>;

/** What an enrolled box may enter, by credentials that are renewed while it lives. */
export interface BoxAccess extends AsyncDisposable {
  database: { url: string; password(): Promise<string> };
  queue: QueueConfig;
  /** The bucket; null where blobs are in a directory. */
  blobs: string | null;
  /** Answers those of now. Null: neither queue nor bucket asks for any. */
  awsCredentials: (() => AwsCredentials) | null;
  resultSealKey: ResultSealKey | null;
  /** Aborts when the box was revoked. */
  revoked: AbortSignal;
  /** The database let this box in no more: its credentials are renewed at once, or it turns out to be revoked. */
  doubt(): void;
}

export interface BoxAccessOptions {
  log: Log;
  random: Random;
}

const PATIENCE_MS = 20_000;
const RETRY_MS = 5_000;
/** Doubts that come faster than this are one. */
const DOUBT_MS = 5_000;

class BoxRefused extends Error {
  override readonly name = "BoxRefused";
}

/** Buys the first credentials, and new ones whenever half their time is over. @throws when the API can't be asked, or refuses. */
export async function openBoxAccess(key: BoxKey, { log, random }: BoxAccessOptions): Promise<BoxAccess> {
  const revoked = new AbortController();
  const closed = new AbortController();
  let token = await askToken(key);
  let expiresAt = Date.now() + token.expires_in * 1000;
  // New connections wait for a password that is under way: the one before is dead by then.
  let renewing: Promise<void> = Promise.resolve();
  let wake = () => {};

  async function renew(): Promise<void> {
    token = await askToken(key);
    expiresAt = Date.now() + token.expires_in * 1000;
    log.info("credentials_renewed", { seconds: token.expires_in });
  }

  async function keepFresh(): Promise<void> {
    let delayMs = (token.expires_in * 1000) / 2;
    while (!closed.signal.aborted) {
      const doubted = new AbortController();
      wake = () => doubted.abort();
      await pause(delayMs, AbortSignal.any([closed.signal, doubted.signal]));
      if (closed.signal.aborted) return;
      const renewal = renew();
      renewing = renewal.catch(() => {});
      try {
        await renewal;
        delayMs = (token.expires_in * 1000) / 2;
      } catch (error) {
        if (error instanceof BoxRefused) {
          log.error("box_revoked", {});
          return revoked.abort(error);
        }
        log.warn("credentials_not_renewed", describeError(error));
        delayMs = jittered(RETRY_MS, random);
      }
    }
  }

  const keeper = keepFresh();
  let lastDoubt = Number.NEGATIVE_INFINITY;
  const awsCredentials = token.aws === null ? null : () => credentialsOf(token);
  return {
    database: {
      url: token.database.url,
      async password() {
        await renewing;
        return token.database.password;
      },
    },
    queue: {
      url: token.queue.url,
      endpoint: token.queue.endpoint ?? undefined,
      ...(awsCredentials && {
        credentials: async () => {
          await renewing;
          return { ...awsCredentials(), expiration: new Date(expiresAt) };
        },
      }),
    },
    blobs: token.blobs,
    awsCredentials,
    resultSealKey: token.result_seal_key === null ? null : parseResultSealKey(token.result_seal_key),
    revoked: revoked.signal,
    doubt() {
      if (performance.now() - lastDoubt < DOUBT_MS) return;
      lastDoubt = performance.now();
      wake();
    },
    async [Symbol.asyncDispose]() {
      closed.abort();
      await keeper;
    },
  };
}

/** @throws when an installation that asked for credentials gives none any more. */
function credentialsOf({ aws }: Token): AwsCredentials {
  if (aws === null) throw new Error("the API lends no credentials any more");
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey, session_token: sessionToken } = aws;
  return { accessKeyId, secretAccessKey, ...(sessionToken !== null && { sessionToken }) };
}

/** One exchange. @throws BoxRefused when this key opens nothing. */
async function askToken(key: BoxKey): Promise<Token> {
  const response = await fetch(new URL("/v1/boxes/token", key.api), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ assertion: await signAssertion(key) }),
    redirect: "error",
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (response.status === 401) throw new BoxRefused("the API lets this box in no more");
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`the API answered ${response.status}`);
  }
  return Token.parse(await response.json());
}
