import http from "node:http";
import net from "node:net";
import type { AddressInfo } from "node:net";

/** A server on 127.0.0.1 that counts who connects, whether or not they say anything. */
export interface LoopbackServer extends AsyncDisposable {
  port: number;
  origin: string;
  connections: () => number;
  requests: readonly http.IncomingMessage[];
}

export async function serveHttp(
  handle: http.RequestListener = (_, response) => void response.end("ok"),
): Promise<LoopbackServer> {
  const requests: http.IncomingMessage[] = [];
  const server = http.createServer((request, response) => {
    requests.push(request);
    handle(request, response);
  });
  return { ...(await listen(server)), requests };
}

/** Says what it likes to whoever connects, HTTP or not. */
export async function serveRaw(handle: (socket: net.Socket) => void): Promise<LoopbackServer> {
  return { ...(await listen(net.createServer(handle))), requests: [] };
}

export async function listen(server: net.Server): Promise<Omit<LoopbackServer, "requests">> {
  const sockets = new Set<net.Socket>();
  let connections = 0;
  server.on("connection", (socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => server.close(done));
  };
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    connections: () => connections,
    [Symbol.asyncDispose]: stop,
  };
}
