import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/** A hop between a client and a server that a test can make as bad as networks are. */
export interface TcpProxy extends AsyncDisposable {
  port: number;
  /** Connections that go through it now. */
  readonly open: number;
  /** Half-open: whatever is sent from now on arrives nowhere, and nobody hears of it. New connections are stalled, too. */
  stall(): void;
  /** Only those that are open now are stalled; new ones work. */
  stallOpen(): void;
  /** What was stalled stays so; new connections work again. */
  heal(): void;
  /** Cuts every connection in the middle of whatever it does. */
  cut(): void;
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const pairs = new Set<{ stall(): void; cut(): void }>();
  let isStalled = false;
  const server = createServer((client) => {
    const upstream = connect(target);
    const pair = link(client, upstream);
    pairs.add(pair);
    client.once("close", () => pairs.delete(pair));
    if (isStalled) pair.stall();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const each = (act: "stall" | "cut") => {
    for (const pair of pairs) pair[act]();
  };
  return {
    port: (server.address() as AddressInfo).port,
    get open() {
      return pairs.size;
    },
    stall() {
      isStalled = true;
      each("stall");
    },
    stallOpen: () => each("stall"),
    heal() {
      isStalled = false;
    },
    cut: () => each("cut"),
    async [Symbol.asyncDispose]() {
      each("cut");
      await new Promise((closed) => server.close(closed));
    },
  };
}

function link(client: Socket, upstream: Socket) {
  let isStalled = false;
  const forward = (from: Socket, to: Socket) => {
    from.on("data", (chunk: Buffer) => {
      if (!isStalled && to.writable) to.write(chunk);
    });
    from.on("end", () => {
      if (!isStalled) to.end();
    });
    from.on("error", () => {});
  };
  forward(client, upstream);
  forward(upstream, client);
  const cut = () => {
    client.resetAndDestroy();
    upstream.destroy();
  };
  client.on("close", () => upstream.destroy());
  upstream.on("close", () => {
    if (!isStalled) client.destroy();
  });
  return {
    stall() {
      isStalled = true;
    },
    cut,
  };
}
