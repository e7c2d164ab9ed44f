import { exports } from "cloudflare:workers";
import { parseAwsCredentials } from "@earshot/shared/aws-credentials";
import { openS3Blobs } from "@earshot/shared/blobs/s3-blobs";
import { openBucket } from "@earshot/shared/blobs/s3-bucket";
import { parseS3Location } from "@earshot/shared/blobs/s3-location";
import { parseResultKeys } from "@earshot/shared/crypto/result-keys";
import { parseSealKeys } from "@earshot/shared/crypto/seal";
import { openDatabase } from "@earshot/shared/db/database";
import { parseJobMessage } from "@earshot/shared/queue/message";
import { inject } from "vitest";
import { bodyOf } from "../answer.ts";
import { sealKeyOf } from "../sealed-result.ts";
import { newCaller } from "../caller.ts";
import { requestOf } from "../request.ts";
import type { DoorWithIssuer } from "../suites/describe-issuer-tokens.ts";
import type { ReachableDoor, ResultRoom } from "../suites/front-door.ts";

const ORIGIN = "https://api.test";

/** The Worker of wrangler.jsonc in workerd, with the run's Postgres, queue and bucket. */
export async function openAtEdge(): Promise<ReachableDoor & ResultRoom & DoorWithIssuer> {
  const { ownerUrl, variables, machines } = inject("edge");
  const owner = openDatabase({ url: ownerUrl, max: 4, idleSeconds: 600, name: "owner" });
  const sealKeys = parseSealKeys(variables.EARSHOT_SEAL_KEYS ?? "");
  const caller = await newCaller(owner.db, sealKeys);
  return {
    origin: ORIGIN,
    fetch: (url, init) => (url.startsWith(ORIGIN) ? exports.default.fetch(url, init) : fetch(url, init)),
    caller,
    owner,
    machines,
    addCaller: ({ scopes } = {}) => newCaller(owner.db, sealKeys, scopes),
    send: (method, path, options = {}) =>
      exports.default.fetch(ORIGIN + path, requestOf(method, { as: caller, ...options })),
    put: (url, options) => fetch(url, requestOf("PUT", options)),
    blobs: openS3Blobs(
      openBucket(
        parseS3Location(variables.EARSHOT_BLOBS ?? ""),
        parseAwsCredentials(variables.EARSHOT_BLOBS_CREDENTIALS ?? ""),
      ),
    ),
    resultSealKey: await sealKeyOf(parseResultKeys(variables.EARSHOT_RESULT_KEYS ?? "")),
    heardJobIds,
    // Its idle connections go by themselves: ending them here throws in workerd.
    [Symbol.asyncDispose]: async () => {},
  };
}

/** Receives, by the protocol itself, until the queue is empty. */
async function heardJobIds(): Promise<string[]> {
  const { queue } = inject("edge");
  const heard: string[] = [];
  for (;;) {
    const response = await fetch(queue.endpoint, {
      method: "POST",
      headers: { "content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.ReceiveMessage" },
      body: JSON.stringify({ QueueUrl: queue.url, MaxNumberOfMessages: 10 }),
    });
    const { Messages = [] } = await bodyOf<{ Messages?: { Body: string }[] }>(response);
    if (Messages.length === 0) return heard;
    heard.push(...Messages.map(({ Body }) => parseJobMessage(Body)?.jobId ?? ""));
  }
}
