import { connect } from "node:net";
import { once } from "node:events";
import { LOOPBACK, isFreePort } from "./postgres-port.ts";
import { StackError } from "./stack-error.ts";

/** @throws StackError that says which other port to take. */
export async function refuseTakenPort(port: number): Promise<void> {
  if (!(await isFreePort(port))) throw portTaken(port);
}

export function portTaken(port: number): StackError {
  return new StackError(
    `Port ${port} on ${LOOPBACK} is taken by another program. Choose one that is free: EARSHOT_PORT=${port + 1} npm start`,
  );
}

/** Whether anything listens there. */
export async function takesConnections(port: number): Promise<boolean> {
  const socket = connect({ port, host: LOOPBACK, timeout: 1_000 });
  try {
    await Promise.race([
      once(socket, "connect"),
      once(socket, "timeout").then(() => Promise.reject(new Error("timeout"))),
    ]);
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
