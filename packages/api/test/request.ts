import type { Caller } from "./caller.ts";

export interface RequestOptions {
  as?: Caller;
  json?: unknown;
  body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
  headers?: Record<string, string | null>;
  signal?: AbortSignal;
}

/** With the caller's key and, where there is a body, as JSON. Headers given as null are left out. */
export function requestOf(
  method: string,
  { as, json, body, headers = {}, signal }: RequestOptions,
): RequestInit {
  const all = {
    Authorization: as === undefined ? null : `Bearer ${as.key}`,
    "Content-Type": json === undefined ? null : "application/json",
    ...headers,
  };
  return {
    method,
    redirect: "manual",
    headers: Object.fromEntries(
      Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null),
    ),
    ...(signal && { signal }),
    ...((body ?? json) !== undefined && { body: body ?? JSON.stringify(json), duplex: "half" }),
  };
}
