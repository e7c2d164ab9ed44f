import { chmod, mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { modelCacheIn } from "@earshot/shared/config/home";
import { StackError } from "./stack-error.ts";

/** The directory that holds everything the embedded stack keeps (`EARSHOT_HOME`), and what is where in it. */
export interface Home {
  /** Absolute. */
  directory: string;
  lockFile: string;
  sealKeys: string;
  /** Open the results of speech; and the part of the first one that seals, which the worker has. */
  resultKeys: string;
  resultSealKey: string;
  urlKey: string;
  apiKey: string;
  /** Whoever brings it first becomes the account's owner; gone once somebody has. */
  firstOwner: string;
  /** What `earshot login` has kept, and for which API. */
  session: string;
  webhookSecret: string;
  /** Signs the audit log's seals; the parts that verify them, one a line; and how far the log had come. */
  auditKey: string;
  auditPublicKeys: string;
  auditHead: string;
  queuePort: string;
  blobs: string;
  /** Weights that were pulled or imported, and which licences were accepted for that. */
  models: string;
  acceptedLicences: string;
  logs: string;
  /** What `earshot scan` has done, a directory for each library. */
  scans: string;
  /** Which processes this stack has started, for whoever finds them after a crash. */
  processes: string;
  /** The login of one role, as a URL. It is new at each start. */
  databaseUrl(role: DatabaseRole): string;
}

export const DATABASE_ROLES = ["api", "worker", "deliver"] as const;
export type DatabaseRole = (typeof DATABASE_ROLES)[number];

export function homeAt(path: string): Home {
  const directory = resolve(path);
  return {
    directory,
    lockFile: join(directory, "lock"),
    sealKeys: join(directory, "seal-keys"),
    resultKeys: join(directory, "result-keys"),
    resultSealKey: join(directory, "result-seal-key"),
    urlKey: join(directory, "url-key"),
    apiKey: join(directory, "api-key"),
    firstOwner: join(directory, "first-owner"),
    session: join(directory, "session"),
    webhookSecret: join(directory, "webhook-secret"),
    auditKey: join(directory, "audit-key"),
    auditPublicKeys: join(directory, "audit-key.pub"),
    auditHead: join(directory, "audit-head"),
    queuePort: join(directory, "queue-port"),
    blobs: join(directory, "blobs"),
    models: modelCacheIn(directory),
    acceptedLicences: join(modelCacheIn(directory), "accepted.json"),
    logs: join(directory, "logs"),
    scans: join(directory, "scans"),
    processes: join(directory, "processes"),
    databaseUrl: (role) => join(directory, `database-url-${role}`),
  };
}

/** Makes the directories. Root's home can be passed by Postgres's user, not listed; another user's only by itself. @throws StackError */
export async function makeHome(home: Home): Promise<void> {
  try {
    await mkdir(home.directory, { recursive: true });
    await chmod(home.directory, process.getuid?.() === 0 ? 0o711 : 0o700);
    for (const directory of [home.blobs, home.logs, home.processes]) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
    }
    await mkdir(home.models, { recursive: true, mode: 0o755 });
  } catch (cause) {
    throw new StackError(`${home.directory} can't be written. Name a directory of yours with EARSHOT_HOME.`, {
      cause,
    });
  }
}
