import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

export interface ConnectionPool {
  port: number;
  stop(): Promise<void>;
}

/**
 * Stands between the Worker and Postgres as Hyperdrive does: however many connections come in, `connections` at most go
 * on to the database, and the others wait for their turn. One that is never closed keeps its place for ever.
 */
export async function startPool(options: {
  host: string;
  port: number;
  connections: number;
}): Promise<ConnectionPool> {
  const waiting: Socket[] = [];
  const open = new Set<Socket>();
  let free = options.connections;

  function serveNext(): void {
    const client = free > 0 ? waiting.shift() : undefined;
    if (client === undefined) return;
    free -= 1;
    const server = connect(options.port, options.host);
    open.add(server);
    client.pipe(server).pipe(client);
    const end = () => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) socket.on("error", end);
    client.on("close", end);
    server.on("close", () => {
      open.delete(server);
      free += 1;
      end();
      serveNext();
    });
  }

  const listener = createServer((client) => {
    open.add(client);
    client.on("error", () => {}).on("close", () => void open.delete(client));
    waiting.push(client);
    serveNext();
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    port: (listener.address() as AddressInfo).port,
    async stop() {
      const closed = once(listener, "close");
      listener.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
