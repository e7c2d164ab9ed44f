import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

export interface ConnectionPool {
  port: number;
  stop(): Promise<void>;
}

/** AuthenticationOk and ReadyForQuery (https://www.postgresql.org/docs/current/protocol-message-formats.html). */
const WELCOME = Buffer.from("R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I", "latin1");
const READY_FOR_QUERY = WELCOME.subarray(-6);

/**
 * Stands between the Worker and Postgres as Hyperdrive does: it welcomes every client itself, and of those that ask
 * something `connections` at most go on to the database, while the others wait for their turn. One that is never closed
 * keeps its place for ever. Postgres has to trust who comes from here.
 */
export async function startPool(options: {
  host: string;
  port: number;
  connections: number;
}): Promise<ConnectionPool> {
  const waiting: { client: Socket; startup: Buffer }[] = [];
  const open = new Set<Socket>();
  let free = options.connections;

  function serveNext(): void {
    const next = free > 0 ? waiting.shift() : undefined;
    if (next === undefined) return;
    const { client, startup } = next;
    // Who has gone away while he waited takes nobody's turn.
    if (client.destroyed) return serveNext();
    free -= 1;
    const server = connect(options.port, options.host);
    open.add(server);
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
    server.write(startup);
    let greeting = Buffer.alloc(0);
    server.on("data", function greet(part: Buffer) {
      greeting = Buffer.concat([greeting, part]);
      if (!greeting.subarray(-READY_FOR_QUERY.length).equals(READY_FOR_QUERY)) return;
      server.off("data", greet);
      client.pipe(server).pipe(client);
    });
  }

  const listener = createServer((client) => {
    open.add(client);
    client.on("error", () => {}).on("close", () => void open.delete(client));
    client.once("data", (startup) => {
      client.pause();
      client.write(WELCOME);
      waiting.push({ client, startup });
      serveNext();
    });
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
