import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

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
  /** From now on everything that comes in waits so long before it goes on; 0 ends that. */
  slow(ms: number): void;
  /** New connections are refused until `heal`. */
  refuse(): void;
  /** Cuts every connection in the middle of whatever it does. */
  cut(): void;
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const pairs = new Set<{ stall(): void; cut(): void }>();
  let isStalled = false;
  let refuses = false;
  let delayMs = 0;
  const server = createServer((client) => {
    if (refuses) return void client.resetAndDestroy();
    const upstream = connect(target);
    const pair = link(client, upstream, () => delayMs);
    pairs.add(pair);
    upstream.once("close", () => pairs.delete(pair));
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
      refuses = false;
      delayMs = 0;
    },
    slow(ms) {
      delayMs = ms;
    },
    refuse() {
      refuses = true;
      each("cut");
    },
    cut: () => each("cut"),
    async [Symbol.asyncDispose]() {
      each("cut");
      await new Promise((closed) => server.close(closed));
    },
  };
}

function link(client: Socket, upstream: Socket, delayMs: () => number) {
  let isStalled = false;
  const forward = (from: Socket, to: Socket) => {
    // One after the other, so that a delay keeps the order.
    let before = Promise.resolve();
    const later = (act: () => void) => {
      const ms = delayMs();
      before = before.then(() => (ms > 0 ? delay(ms) : undefined)).then(act);
    };
    from.on("data", (chunk: Buffer) => {
      later(() => {
        if (!isStalled && to.writable) to.write(chunk);
      });
    });
    from.on("end", () => {
      later(() => {
        if (!isStalled) to.end();
      });
    });
    from.on("error", () => {});
  };
  forward(client, upstream);
  forward(upstream, client);
  const cut = () => {
    isStalled = false;
    client.resetAndDestroy();
    upstream.destroy();
  };
  client.on("close", () => {
    // A server at the far end of a dead line doesn't hear that its client is gone, either.
    if (!isStalled) upstream.destroy();
  });
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
