import { AppError } from "@earshot/shared/domain/errors";
import { putFile } from "./put-file.ts";
import { withRetries } from "./retry.ts";
import type { RetryPolicy } from "./retry.ts";

/** As the API gives it. */
export interface UploadPart {
  /** From 1, in the order of the file. */
  number: number;
  /** Bytes. */
  size: number;
  put_url: string;
}

/** What the store calls a part that it has. */
export interface SentPart {
  number: number;
  etag: string;
}

export interface PartsPut {
  parts: readonly UploadPart[];
  headers: Readonly<Record<string, string>>;
  file: string;
  retry: RetryPolicy;
  /** Bytes sent so far, of all parts. */
  onProgress(bytes: number): void;
}

const AT_ONCE = 3;

/**
 * Streams each part of a file to its own signed URL, a few at a time, and answers them in their order. When one fails
 * for good the others are broken off.
 * @throws as `putFile` does, or AppError `internal` for a part that the store took without an ETag.
 */
export async function putParts(put: PartsPut, signal: AbortSignal): Promise<SentPart[]> {
  const run = new AbortController();
  const either = AbortSignal.any([signal, run.signal]);
  const waiting = inFileOrder(put.parts).values();
  const onProgress = totalOf(put.onProgress);
  const sent: SentPart[] = [];
  const sendRest = async () => {
    for (const part of waiting) sent.push(await sendPart(part, { ...put, onProgress }, either));
  };
  const senders = Array.from({ length: AT_ONCE }, sendRest);
  try {
    await Promise.all(senders);
  } catch (error) {
    run.abort(error);
    await Promise.allSettled(senders);
    throw error;
  }
  return sent.toSorted((a, b) => a.number - b.number);
}

interface PlacedPart extends UploadPart {
  /** Where it begins in the file, in bytes. */
  start: number;
}

function inFileOrder(parts: readonly UploadPart[]): PlacedPart[] {
  let start = 0;
  return parts
    .toSorted((a, b) => a.number - b.number)
    .map((part) => {
      const placed = { ...part, start };
      start += part.size;
      return placed;
    });
}

type PartPut = Omit<PartsPut, "onProgress"> & { onProgress(part: number, bytes: number): void };

async function sendPart(
  { number, size, start, put_url: url }: PlacedPart,
  { headers, file, retry, onProgress }: PartPut,
  signal: AbortSignal,
): Promise<SentPart> {
  const put = { url, headers, file, start, size, onProgress: (bytes: number) => onProgress(number, bytes) };
  const { etag } = await withRetries(() => putFile(put, signal), retry, signal);
  if (etag === null) {
    throw new AppError("internal", { message: `${new URL(url).host} gave part ${number} no ETag.` });
  }
  return { number, etag };
}

/** A part that is sent again counts from its beginning again. */
function totalOf(onProgress: (bytes: number) => void): PartPut["onProgress"] {
  const sent = new Map<number, number>();
  return (part, bytes) => {
    sent.set(part, bytes);
    onProgress([...sent.values()].reduce((sum, count) => sum + count, 0));
  };
}
