import { readFile, rename, writeFile } from "node:fs/promises";
import { formatHead, parseHead } from "@earshot/shared/crypto/audit-chain";
import type { AuditHead } from "@earshot/shared/crypto/audit-chain";
import type { AuditKey } from "@earshot/shared/crypto/audit-keys";
import { holdsHead, retireAudit, sealAudit } from "@earshot/shared/db/audit-seals";
import { recordAudit } from "@earshot/shared/db/audit";
import type { Database } from "@earshot/shared/db/database";
import type { Log } from "@earshot/shared/log";
import { describeError } from "@earshot/shared/log";
import { pause } from "@earshot/shared/pause";

export interface AuditSealerOptions {
  db: Database;
  key: AuditKey;
  log: Log;
  clock: () => Date;
  keptDays: number;
  /** Where the last head is kept, out of the database's reach: by it a cut tail is found. */
  headFile?: string | undefined;
  periodMs?: number;
}

export interface AuditSealer {
  /** Seals each period until `stop` aborts; a failure is logged and the next period tries again. */
  run(stop: AbortSignal): Promise<void>;
}

const PERIOD_MS = 1_000;
const RETENTION_PERIOD_MS = 3_600_000;
const DAY_MS = 24 * 3_600_000;

/** Seals what was committed to the audit log, a signed link each second, and lets go of what is older than its retention. */
export function createAuditSealer(options: AuditSealerOptions): AuditSealer {
  const { db, key, log, clock, headFile, periodMs = PERIOD_MS } = options;
  let known: AuditHead | null = null;
  let isCut = false;
  let retireAfter = 0;

  async function run(stop: AbortSignal): Promise<void> {
    known = headFile === undefined ? null : await readHead(headFile);
    while (!stop.aborted) {
      await once(stop).catch((error: unknown) => log.warn("audit_not_sealed", describeError(error)));
      await pause(periodMs, stop);
    }
  }

  async function once(stop: AbortSignal): Promise<void> {
    if (known !== null && !isCut && !(await holdsHead(db, known))) await reportCut(known);
    while (!stop.aborted) {
      const sealing = await sealAudit(db, key, clock());
      if (sealing === null) break;
      await keep(sealing.head, { rows: sealing.rows });
    }
    if (clock().getTime() >= retireAfter) await retire(stop);
  }

  async function retire(stop: AbortSignal): Promise<void> {
    const now = clock();
    const before = new Date(now.getTime() - options.keptDays * DAY_MS);
    while (!stop.aborted) {
      const head = await retireAudit(db, key, { before, now });
      if (head === null) break;
      await keep(head, { checkpoint: true });
    }
    retireAfter = now.getTime() + RETENTION_PERIOD_MS;
  }

  async function keep(head: AuditHead, facts: { rows: number } | { checkpoint: true }): Promise<void> {
    log.info("audit_sealed", { head: formatHead(head), ...facts });
    // The head that a cut log no longer holds is the evidence: it stays in its file.
    if (isCut) return;
    known = head;
    if (headFile !== undefined) await writeHead(headFile, head);
  }

  async function reportCut(head: AuditHead): Promise<void> {
    isCut = true;
    log.error("audit_log_cut", { head: formatHead(head) });
    await recordAudit(db, {
      accountId: null,
      actor: { kind: "system", id: "deliver" },
      action: "audit.cut_found",
      outcome: "failure",
      detail: { head: formatHead(head) },
    });
  }

  return { run };
}

async function readHead(file: string): Promise<AuditHead | null> {
  try {
    return parseHead(await readFile(file, "utf8"));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

async function writeHead(file: string, head: AuditHead): Promise<void> {
  const unfinished = `${file}.${process.pid}`;
  await writeFile(unfinished, `${formatHead(head)}\n`, { mode: 0o600 });
  await rename(unfinished, file);
}
