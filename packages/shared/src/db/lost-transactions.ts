import type postgres from "postgres";
import { pause } from "../pause.ts";

interface State {
  isLost: boolean;
}

type Method = (...args: unknown[]) => unknown;

/**
 * The same client, whose transactions end with their connection. The driver tells the one who waits for the transaction, and
 * lets the work inside of it go on: its next statement, or the driver's own COMMIT, would be written to a socket that is gone
 * (an exception that nobody can catch: the end of the process), or run by itself on whatever the connection became since.
 */
export function endWithConnection<Client extends object>(client: Client): Client {
  return withMethods(client, {
    begin:
      (begin) =>
      (...args) => {
        const state = { isLost: false };
        const done = begin(...inside(args, state));
        // It may as well have been rolled back: nothing may be said in it after that either.
        if (done instanceof Promise) done.catch(() => (state.isLost = true));
        return done;
      },
  });
}

function inside(args: readonly unknown[], state: State): unknown[] {
  return args.map((work) =>
    typeof work === "function" ? (tx: postgres.TransactionSql) => run(work as Method, tx, state) : work,
  );
}

async function run(work: Method, tx: postgres.TransactionSql, state: State): Promise<unknown> {
  const client = withMethods(tx, {
    unsafe:
      (unsafe) =>
      (...args) =>
        state.isLost ? lost() : unsafe(...args),
    savepoint:
      (savepoint) =>
      (...args) =>
        state.isLost ? lost() : savepoint(...inside(args, state)),
  });
  try {
    const answer = await work(client);
    if (!state.isLost) return answer;
  } catch (error) {
    // A statement hears of the loss a moment before the transaction does.
    await pause(0);
    if (!state.isLost) throw error;
  }
  // Whoever waits for the transaction knows. The driver is left waiting: it has nothing to commit or to roll back.
  return new Promise(() => {});
}

function lost(): Promise<never> {
  const error = Object.assign(new Error("the transaction's connection is gone"), {
    code: "CONNECTION_CLOSED",
  });
  const rejected = Promise.reject<never>(error);
  // What drizzle asks of a statement besides its answer.
  return Object.assign(rejected, { values: () => rejected });
}

/** A client with some of its methods replaced; all else is the client's own. */
export function withMethods<Client extends object>(
  client: Client,
  replaced: Readonly<Record<string, (method: Method) => Method>>,
): Client {
  return new Proxy(client, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== "function" || typeof key !== "string" || !Object.hasOwn(replaced, key))
        return member;
      return replaced[key]?.((...args) => Reflect.apply(member, target, args));
    },
  });
}
