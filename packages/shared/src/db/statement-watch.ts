import { connect } from "node:net";
import type { Socket } from "node:net";
import type postgres from "postgres";
import { withMethods } from "./lost-transactions.ts";

/** More than a slow answer of a busy server and its way back. */
const SLACK_MS = 3_000;
/** A connection that says nothing for so long after that is dead. */
const LISTEN_FOR_MS = 2_000;

/**
 * The driver waits for ever for an answer on a connection whose other end is gone without a word: TCP itself needs a quarter of
 * an hour to notice. The server ends each statement after `statementSeconds`; when one is still without an answer then, every
 * connection that stays silent is cut, and those who wait on it hear of a lost connection.
 */
export class StatementWatch {
  readonly #lateMs: number;
  readonly #sockets = new Set<Socket>();

  constructor({ statementSeconds }: { statementSeconds: number }) {
    this.#lateMs = statementSeconds * 1_000 + SLACK_MS;
  }

  /** Makes the driver's sockets. It answers at once: what fails later is told by the socket's own events. */
  readonly socket = ({ host, port }: { host: string[]; port: number[] }): Socket => {
    const [name = "", number = 5432] = [host[0], port[0]];
    const socket = connect({ host: name, port: number });
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    // The driver takes the name that a certificate must have from here.
    return Object.assign(socket, { host: name });
  };

  /** The same client, whose statements and transactions are watched. */
  watch<Client extends object>(client: Client): Client {
    const transaction =
      (method: (...args: unknown[]) => unknown) =>
      (...args: unknown[]) =>
        this.#transaction((inside) => method(...inside(args)));
    return withMethods(client, {
      unsafe:
        (unsafe) =>
        (...args) =>
          this.#track(unsafe(...args)),
      begin: transaction,
      savepoint: transaction,
    });
  }

  /** What an application does inside of a transaction may take its time; BEGIN and COMMIT may not. */
  #transaction(run: (inside: (args: unknown[]) => unknown[]) => unknown): unknown {
    const begun = Promise.withResolvers<void>();
    let done: unknown = null;
    const inside = (args: unknown[]) =>
      args.map((arg) =>
        typeof arg === "function"
          ? async (client: postgres.TransactionSql) => {
              begun.resolve();
              try {
                return await arg(this.watch(client));
              } finally {
                this.#track(done);
              }
            }
          : arg,
      );
    done = run(inside);
    // A BEGIN that fails ends the whole.
    this.#track(Promise.race([begun.promise, done]));
    return done;
  }

  #track(answer: unknown): unknown {
    const timer = setTimeout(() => this.#cutSilent(), this.#lateMs);
    timer.unref();
    const stop = () => clearTimeout(timer);
    // Past the driver's own `then`, which would send a statement that nobody asked for yet.
    if (answer instanceof Promise) void Promise.prototype.then.call(answer, stop, stop);
    return answer;
  }

  #cutSilent(): void {
    const before = [...this.#sockets].map((socket) => ({ socket, read: socket.bytesRead }));
    setTimeout(() => {
      for (const { socket, read } of before) if (socket.bytesRead === read) socket.destroy(silence());
    }, LISTEN_FOR_MS).unref();
  }
}

function silence(): Error {
  return Object.assign(new Error("the database does not answer"), { code: "ETIMEDOUT" });
}
