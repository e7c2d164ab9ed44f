import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

export interface ReceivedRequest {
  method: string;
  /** With the query string. */
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  receivedAt: Date;
}

/** `hang` never answers; `reset` cuts the connection. */
export type Answer = "hang" | "reset" | { status: number; headers?: Record<string, string>; body?: string };

export interface Receiver extends AsyncDisposable {
  url: string;
  /** All of them, oldest first. */
  requests: readonly ReceivedRequest[];
  /** Answers for the next requests, in order. After them it is 200 again. */
  script(...answers: Answer[]): void;
  /** The first request, past or to come, that fits and that no earlier `next` has taken. */
  next(
    fits?: (request: ReceivedRequest) => boolean,
    options?: { timeoutMs?: number },
  ): Promise<ReceivedRequest>;
  stop(): Promise<void>;
}

/** The far side of HTTP: a real server on loopback that remembers what it was sent. */
export async function startReceiver(): Promise<Receiver> {
  const requests: ReceivedRequest[] = [];
  const answers: Answer[] = [];
  const inbox = createInbox<ReceivedRequest>();
  const server = createServer((incoming, response) => {
    const remember = (request: ReceivedRequest) => {
      requests.push(request);
      reply(response, answers.shift() ?? { status: 200 });
      inbox.put(request);
    };
    readRequest(incoming).then(remember, () => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = async () => {
    server.closeAllConnections();
    if (server.listening) await new Promise((closed) => server.close(closed));
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    script: (...more) => void answers.push(...more),
    next: (fits = () => true, { timeoutMs = 10_000 } = {}) => inbox.take(fits, timeoutMs),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function readRequest(incoming: IncomingMessage): Promise<ReceivedRequest> {
  const receivedAt = new Date();
  const body = (await buffer(incoming)).toString("utf8");
  return {
    method: incoming.method ?? "",
    path: incoming.url ?? "",
    headers: incoming.headers,
    body,
    receivedAt,
  };
}

function reply(response: ServerResponse, answer: Answer): void {
  if (answer === "hang") return;
  if (answer === "reset") return void response.destroy();
  response.writeHead(answer.status, answer.headers).end(answer.body);
}

/** Holds items until somebody takes them, and takers until their item comes. */
function createInbox<Item>() {
  const items: Item[] = [];
  const takers: { fits(item: Item): boolean; resolve(item: Item): void }[] = [];

  function put(item: Item): void {
    const index = takers.findIndex(({ fits }) => fits(item));
    const [taker] = index < 0 ? [] : takers.splice(index, 1);
    if (taker) taker.resolve(item);
    else items.push(item);
  }

  async function take(fits: (item: Item) => boolean, timeoutMs: number): Promise<Item> {
    const index = items.findIndex(fits);
    const [item] = index < 0 ? [] : items.splice(index, 1);
    if (item !== undefined) return item;
    const { promise, resolve, reject } = Promise.withResolvers<Item>();
    const taker = { fits, resolve };
    takers.push(taker);
    const timer = setTimeout(() => {
      takers.splice(takers.indexOf(taker), 1);
      reject(new Error(`No request fitted within ${timeoutMs} ms; ${items.length} others came.`));
    }, timeoutMs);
    return promise.finally(() => clearTimeout(timer));
  }

  return { put, take };
}
