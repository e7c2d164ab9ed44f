import { fileURLToPath } from "node:url";
import { Earshot } from "@earshot/sdk";
import type { Job } from "@earshot/sdk";
import { AppError, isJobErrorCode } from "@earshot/shared/domain/errors";
import type { TaskName } from "@earshot/shared/domain/tasks";
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
  const apiKey = (await readSecret(config.home.apiKey)) ?? "";
  const earshot = new Earshot({ baseUrl: `http://127.0.0.1:${config.port}`, apiKey });
  const uploadId = await uploadFile(earshot, SAMPLE, () => {}, signal);
  const request = { input: { upload_id: uploadId }, tasks: [...tasks], webhook: { url: receiver.url } };
  const ended = await earshot.jobs.createAndWait(request, { signal });
  if (ended.status !== "succeeded" && ended.status !== "partial") throw failureOf(ended);
  const result = await earshot.jobs.result(ended.id, { signal });
  return { result, webhook: await receiver.received(signal) };
}

function failureOf({ id, status, error }: Job): AppError {
  const code = error !== null && isJobErrorCode(error.code) ? error.code : "internal";
  return new AppError(code, {
    message: `job ${id} is ${status}${error === null ? "" : `: ${error.message}`}`,
  });
}
