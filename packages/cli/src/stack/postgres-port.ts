import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";

export const LOOPBACK = "127.0.0.1";

export async function isFreePort(port: number): Promise<boolean> {
  return (await tryToListen(port)) !== null;
}

export async function findFreePort(): Promise<number> {
  const port = await tryToListen(0);
  if (port === null) throw new Error(`No TCP port is free on ${LOOPBACK}.`);
  return port;
}

async function tryToListen(port: number): Promise<number | null> {
  const server = createServer();
  try {
    server.listen({ port, host: LOOPBACK, exclusive: true });
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  } catch {
    return null;
  } finally {
    server.close();
  }
}
