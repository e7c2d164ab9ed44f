import http from "node:http";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import https from "node:https";
import { isIP } from "node:net";
import type { LookupFunction } from "node:net";
import type { Readable } from "node:stream";
import { checkedAddresses, resolveBySystem } from "./checked-addresses.ts";
import type { Resolve } from "./checked-addresses.ts";
import { EgressError, egressErrorOf } from "./egress-error.ts";
import type { Agents, PinnedTo } from "./keep-alive.ts";
import { parseTarget } from "@earshot/shared/egress/target";
import type { EgressPolicy, Target } from "@earshot/shared/egress/target";

export interface GuardedRequestOptions {
  method: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
  policy: EgressPolicy;
  /** Bounds everything, the body of the response included. */
  signal: AbortSignal;
  /** Default: the system's resolver. */
  resolve?: Resolve;
  /** Keep the connection for the next request that has the same addresses. Default: one connection, one request. */
  agents?: Agents;
}

export interface GuardedResponse {
  status: number;
  headers: IncomingHttpHeaders;
  /** To be read to its end or destroyed: until then it holds the socket. Pass its errors through `egressErrorOf`. */
  body: Readable;
}

/**
 * One request to an address that somebody else chose. The name is resolved once, every answer is checked, and the
 * connection goes to an answer that was checked: what the name says a moment later doesn't matter. No redirect
 * is followed, no proxy is used, and without `agents` no connection is shared.
 * @throws AppError input_forbidden when the policy says no; EgressError when the far side fails; the signal's reason.
 */
export async function guardedRequest(url: string, options: GuardedRequestOptions): Promise<GuardedResponse> {
  const { policy, signal, resolve = resolveBySystem } = options;
  try {
    signal.throwIfAborted();
    const target = parseTarget(url, policy);
    const addresses = await checkedAddresses(target, resolve, signal);
    const response = await sendOnLiveConnection(target, addresses, options);
    return { status: response.statusCode ?? 0, headers: response.headers, body: response };
  } catch (error) {
    throw egressErrorOf(error, signal);
  }
}

/** A kept connection may be closed by the far side just when it is used again: then, and once, a new one. */
async function sendOnLiveConnection(
  target: Target,
  addresses: readonly string[],
  options: GuardedRequestOptions,
): Promise<IncomingMessage> {
  const sent = { isOnKeptConnection: false };
  try {
    return await send(target, addresses, options, sent);
  } catch (error) {
    const fault = egressErrorOf(error, options.signal);
    const isStale = sent.isOnKeptConnection && fault instanceof EgressError && fault.kind === "reset";
    if (!isStale) throw error;
    const { agents: _, ...fresh } = options;
    return send(target, addresses, fresh, sent);
  }
}

function send(
  target: Target,
  addresses: readonly string[],
  options: GuardedRequestOptions,
  sent: { isOnKeptConnection: boolean },
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const { signal } = options;
  signal.throwIfAborted();
  const request = requestTo(target, addresses, options);
  // A response is destroyed itself: through its request it would lose what it has buffered and end as if whole.
  let open: http.ClientRequest | IncomingMessage = request;
  const abort = () => open.destroy(new EgressError("reset", { cause: signal.reason }));
  const settle = () => signal.removeEventListener("abort", abort);
  signal.addEventListener("abort", abort, { once: true });

  request.on("response", (response) => {
    open = response;
    response.once("close", settle);
    resolve(response);
  });
  // Stays for the life of the socket: a late fault with nobody listening would end the process.
  request.on("error", (error) => {
    sent.isOnKeptConnection = request.reusedSocket;
    reject(error);
  });
  request.once("close", () => {
    if (open === request) settle();
    reject(new EgressError("reset"));
  });
  request.end(options.body);
  return promise;
}

function requestTo(
  target: Target,
  addresses: readonly string[],
  options: GuardedRequestOptions,
): http.ClientRequest {
  const protocol = target.url.protocol === "https:" ? "https:" : "http:";
  const transport = protocol === "https:" ? https : http;
  const pinned: PinnedTo = { pinnedTo: addresses.toSorted().join() };
  return transport.request({
    ...pinned,
    method: options.method,
    headers: options.headers ?? {},
    hostname: target.host,
    port: target.port,
    path: target.url.pathname + target.url.search,
    // Never the global agent: a proxy of the environment may come in between there.
    agent: options.agents?.[protocol] ?? false,
    lookup: pinnedTo(addresses),
    servername: isIP(target.host) === 0 ? target.host : "",
    rejectUnauthorized: true,
  });
}

/** Answers every question with the addresses that were checked. */
function pinnedTo(addresses: readonly string[]): LookupFunction {
  const answers = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, { all }, answer) => {
    const [first] = answers;
    if (all || first === undefined) return answer(null, answers);
    answer(null, first.address, first.family);
  };
}
