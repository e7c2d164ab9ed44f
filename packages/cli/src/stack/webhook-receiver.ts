import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { unwrap } from "@earshot/sdk";
import { rejectOnAbort } from "@earshot/shared/pause";
import { LOOPBACK } from "./postgres-port.ts";
import { readSecret } from "./secret-file.ts";

export interface WebhookReceiver extends AsyncDisposable {
  port: number;
  url: string;
  /** Waits for the first webhook and says what it was worth. */
  received(signal: AbortSignal): Promise<string>;
}

const WITHIN_MS = 15_000;

/** A server on loopback that checks the signature of its first webhook, as any receiver should. The secret is read then. */
export async function receiveWebhook(secretFile: string): Promise<WebhookReceiver> {
  const first = Promise.withResolvers<string>();
  const server = createServer((request, response) => {
    text(request)
      .then((body) => judge(request.headers, body, secretFile))
      .then(first.resolve, first.reject)
      .finally(() => response.writeHead(204).end());
  });
  first.promise.catch(() => {}); // It may come after nobody waits any more.
  server.listen(0, LOOPBACK);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://${LOOPBACK}:${port}/webhook`,
    received(signal) {
      const late = rejectOnAbort(AbortSignal.any([signal, AbortSignal.timeout(WITHIN_MS)]));
      return Promise.race([first.promise, late]).catch(() => "did not arrive");
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function judge(headers: IncomingHttpHeaders, body: string, secretFile: string): Promise<string> {
  const secret = (await readSecret(secretFile)) ?? "";
  const isGenuine = await unwrap(body, headers, secret).then(
    () => true,
    () => false,
  );
  const id = String(headers["webhook-id"]);
  return isGenuine ? `${id} received, its signature is right` : `${id} received, its signature is WRONG`;
}
