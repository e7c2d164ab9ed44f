import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json, text } from "node:stream/consumers";

export interface TakenPart {
  number: number;
  body: string;
  contentLength: string | undefined;
  authorization: string | undefined;
}

/** What a PUT of a part comes to; `number` is the part's, `attempt` is from 1. */
export type PartAnswer = "reset" | { status: number; headers?: Record<string, string> };

export interface PartStore extends AsyncDisposable {
  url: string;
  /** Each PUT that came whole, in the order of its end. */
  taken: readonly TakenPart[];
  /** What the parts were joined by. */
  joined: readonly unknown[];
}

/** An API and its bucket in one: it announces `sizes` as the parts of any file, takes them, and joins them. */
export async function startPartStore(
  sizes: readonly number[],
  answer: (number: number, attempt: number) => PartAnswer | Promise<PartAnswer>,
): Promise<PartStore> {
  const taken: TakenPart[] = [];
  const joined: unknown[] = [];
  const attempts = new Map<number, number>();
  const server = createServer((request, response) => void serve(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === "PUT") return takePart(request, response);
    if (request.url === "/v1/uploads") return send(response, 201, announced());
    joined.push({ path: request.url, body: await json(request) });
    send(response, 200, { id: "upl_1", status: "complete" });
  }

  async function takePart(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const number = Number(new URL(request.url ?? "", url).searchParams.get("part"));
    const attempt = (attempts.get(number) ?? 0) + 1;
    attempts.set(number, attempt);
    const { "content-length": contentLength, authorization } = request.headers;
    taken.push({ number, body: await text(request), contentLength, authorization });
    const given = await answer(number, attempt);
    if (given === "reset") return void response.destroy();
    response.writeHead(given.status, given.headers).end();
  }

  function announced() {
    const parts = sizes.map((size, index) => ({
      number: index + 1,
      size,
      put_url: `${url}/bucket?part=${index + 1}`,
    }));
    return { id: "upl_1", multipart_id: "mp_1", parts, headers: {}, expires_at: "2030-01-01T00:00:00Z" };
  }

  return {
    url,
    taken,
    joined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status).end(JSON.stringify(body));
}
