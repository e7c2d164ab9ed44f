import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { callbackify } from "node:util";
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { dataDir } from "@electric-sql/pglite-prepopulatedfs";
import { openDatabase } from "@earshot/shared/db/database";
import type { OpenDatabase } from "@earshot/shared/db/database";
import { migrate } from "@earshot/shared/db/migrate";

const MIGRATIONS = fileURLToPath(new URL("../../../migrations", import.meta.url));

export interface PgvectorDatabase extends OpenDatabase, AsyncDisposable {}

/**
 * A Postgres in this process that offers pgvector, which the embedded one does not, with every migration applied. Its one
 * connection is the superuser's: `set role` shows what another may do.
 */
export async function openPgvector(): Promise<PgvectorDatabase> {
  const server = await PGlite.create({ extensions: { vector }, loadDataDir: await dataDir() });
  const database = openDatabase({
    url: "postgres://postgres@localhost/postgres",
    name: "test",
    max: 1,
    carrier: async () => connectionTo(server),
  });
  await migrate(database.sql, MIGRATIONS);
  return {
    ...database,
    async [Symbol.asyncDispose]() {
      await database.close();
      await server.close();
    },
  };
}

/** What a socket would carry. It has all that the driver uses of one. */
function connectionTo(server: PGlite): Socket {
  const carry = callbackify((bytes: Buffer) => server.execProtocolRaw(bytes));
  return new Duplex({
    read() {},
    write(bytes: Buffer, _, done) {
      carry(bytes, (error, answer) => {
        if (!error) this.push(answer);
        done(error);
      });
    },
  }) as Socket;
}
