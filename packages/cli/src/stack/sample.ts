import { fileURLToPath } from "node:url";
import { AppError, isJobErrorCode } from "@earshot/shared/domain/errors";
import type { TaskName } from "@earshot/shared/domain/tasks";
import { readResult, submitJob, waitForEnd } from "../client/jobs.ts";
import type { Job } from "../client/jobs.ts";
import { PATIENT } from "../client/retry.ts";
import { uploadFile } from "../client/upload-file.ts";
import { readSecret } from "./secret-file.ts";
import type { StackConfig } from "./stack-config.ts";
import type { WebhookReceiver } from "./webhook-receiver.ts";

export const SAMPLE = fileURLToPath(new URL("../../../../samples/hello-earshot.flac", import.meta.url));

export interface SampleOutcome {
  /** The body of GET /v1/jobs/{id}/result. */
  result: unknown;
  /** What became of its webhook, in words. */
  webhook: string;
}

const WITHIN_MS = 120_000;
const POLL_SECONDS = 20;

/**
 * Sends the sample through the real API: upload, PUT, job, wait, result, and a webhook whose signature is checked here.
 * @throws AppError when the job has no result, and as the client does.
 */
export async function analyzeSample(
  config: StackConfig,
  tasks: readonly TaskName[],
  receiver: WebhookReceiver,
  stop: AbortSignal,
): Promise<SampleOutcome> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(WITHIN_MS)]);
  const key = (await readSecret(config.home.apiKey)) ?? "";
  const connection = { url: `http://127.0.0.1:${config.port}`, key, retry: PATIENT };
  const uploadId = await uploadFile(connection, SAMPLE, () => {}, signal);
  const request = { input: { upload_id: uploadId }, tasks, webhook: { url: receiver.url } };
  const { id } = await submitJob(connection, request, signal);
  const ended = await waitForEnd(connection, id, { pollSeconds: POLL_SECONDS, onProgress() {} }, signal);
  if (ended.status !== "succeeded" && ended.status !== "partial") throw failureOf(ended);
  const result = await readResult(connection, id, signal);
  return { result, webhook: await receiver.received(signal) };
}

function failureOf({ id, status, error }: Job): AppError {
  const code = error !== null && isJobErrorCode(error.code) ? error.code : "internal";
  return new AppError(code, {
    message: `job ${id} is ${status}${error === null ? "" : `: ${error.message}`}`,
  });
}
