import { stat } from "node:fs/promises";
import { parseEnv } from "@earshot/shared/config/env";
import { parsedBy } from "@earshot/shared/config/parsed-by";
import { newAuditKey, openAuditKey } from "@earshot/shared/crypto/audit-keys";
import { newResultKey, parseResultKeys, resultSealKeyOf } from "@earshot/shared/crypto/result-keys";
import { newSealKey, parseSealKeys } from "@earshot/shared/crypto/seal";
import { recordAudit } from "@earshot/shared/db/audit";
import { countSealed, resealResults, resealSecrets } from "@earshot/shared/db/reseal";
import { AppError } from "@earshot/shared/domain/errors";
import type { Home } from "../stack/home.ts";
import { readSecret, writeSecret } from "../stack/secret-file.ts";
import { readStackConfig } from "../stack/stack-config.ts";
import { missingError, usageError } from "./command-error.ts";
import { withOwnersDatabase } from "./owner-connection.ts";
import type { SealOptions } from "./seal.ts";
import type { Terminal } from "./terminal.ts";

const OPERATOR = { kind: "operator", id: null } as const;

export async function showSeals({ json }: SealOptions, terminal: Terminal): Promise<void> {
  const counts = await withOwnersDatabase(terminal.env, countSealed);
  const told = counts.map(({ kind, keyId, count }) => ({ kind, key_id: keyId, count }));
  terminal.out(
    json
      ? JSON.stringify(told)
      : counts.map(({ kind, keyId, count }) => `${kind}  ${keyId}  ${count}`).join("\n"),
  );
}

/** The files are read when a process starts: nothing is sealed by the new keys before. */
export async function rotateSealKeys({ json }: SealOptions, terminal: Terminal): Promise<void> {
  const { home } = readStackConfig(terminal.env);
  const added = {
    secrets: await putFirst(home.sealKeys, "k", async (id) => newSealKey(id)),
    results: await putFirst(home.resultKeys, "r", newResultKey),
  };
  const advice = `new keys ${added.secrets} and ${added.results}: restart the stack, then run: earshot seal reseal`;
  terminal.out(json ? JSON.stringify(added) : advice);
}

/** Everything that an older key has sealed. A stack that has not been restarted would not open it. */
export async function reseal({ json }: SealOptions, terminal: Terminal): Promise<void> {
  const { sealKeys, resultKeys } = await readKeys(terminal);
  const counts = await withOwnersDatabase(terminal.env, async (db) => {
    const counts = {
      secrets: await resealSecrets(db, sealKeys),
      results: resultKeys === null ? 0 : await resealResults(db, resultKeys),
    };
    const detail = { ...counts, secrets_key: sealKeys[0].id, results_key: resultKeys?.[0].id ?? null };
    await recordAudit(db, { accountId: null, actor: OPERATOR, action: "seal.reseal", detail });
    return counts;
  });
  terminal.out(
    json
      ? JSON.stringify(counts)
      : `${counts.secrets} secrets and ${counts.results} results are sealed by the first key now`,
  );
}

export async function dropSealKey(id: string, { json }: SealOptions, terminal: Terminal): Promise<void> {
  const { home } = readStackConfig(terminal.env);
  await refuseUnknownKeys(home);
  const file = await fileOf(home, id);
  await withOwnersDatabase(terminal.env, async (db) => {
    const left = (await countSealed(db)).find(({ keyId }) => keyId === id)?.count ?? 0;
    if (left > 0)
      throw new AppError("conflict", {
        message: `${left} values are sealed by ${id}. Run: earshot seal reseal`,
      });
    const kept = file.keys.filter((key) => idOf(key) !== id);
    await writeSecret(file.path, kept.join(","));
    await recordAudit(db, { accountId: null, actor: OPERATOR, action: "seal.drop_key", target: id });
  });
  terminal.out(json ? JSON.stringify({ dropped: id }) : `dropped ${id}`);
}

export async function generateKey(
  kind: string,
  { out, id }: { out: string; id: string },
  terminal: Terminal,
): Promise<void> {
  if (kind === "secrets") await writeSecret(out, newSealKey(id));
  else if (kind === "results") {
    const text = await newResultKey(id);
    await writeSecret(out, text);
    await writeSecret(`${out}.pub`, await resultSealKeyOf(parseResultKeys(text)[0]));
  } else if (kind === "audit") {
    const text = await newAuditKey();
    await writeSecret(out, text);
    await writeSecret(`${out}.pub`, (await openAuditKey(text)).publicKey);
  } else throw usageError("The kinds of keys are secrets, results and audit.");
  terminal.out(out);
}

/** Those of the environment, else those of the home. */
async function readKeys({ env }: Terminal) {
  const { SEAL_KEYS, RESULT_KEYS } = parseEnv(
    env,
    {
      SEAL_KEYS: parsedBy(parseSealKeys, "is not id:base64[,id:base64…]").optional(),
      RESULT_KEYS: parsedBy(parseResultKeys, "is not id:base64[,id:base64…]").optional(),
    },
    ["SEAL_KEYS", "RESULT_KEYS"],
  );
  if (SEAL_KEYS !== undefined) return { sealKeys: SEAL_KEYS, resultKeys: RESULT_KEYS ?? null };
  const { home } = readStackConfig(env);
  await refuseUnknownKeys(home);
  const [sealKeys, resultKeys] = [await requireKeys(home.sealKeys), await requireKeys(home.resultKeys)];
  return { sealKeys: parseSealKeys(sealKeys.join(",")), resultKeys: parseResultKeys(resultKeys.join(",")) };
}

/** A running stack knows the keys of its start: what is sealed by a younger one it could not open. */
async function refuseUnknownKeys(home: Home): Promise<void> {
  const lock = await stat(home.lockFile).catch(() => null);
  if (lock === null) return;
  for (const file of [home.sealKeys, home.resultKeys]) {
    if ((await stat(file)).mtimeMs <= lock.mtimeMs) continue;
    throw new AppError("conflict", {
      message: `${file} is younger than the running stack, which does not know its keys: restart the stack first.`,
    });
  }
}

async function requireKeys(file: string): Promise<string[]> {
  const text = await readSecret(file);
  if (!text) throw missingError(`There are no keys in ${file}. Start the stack once: npm start`);
  return text.split(",");
}

async function fileOf(home: Home, id: string): Promise<{ path: string; keys: string[] }> {
  for (const path of [home.sealKeys, home.resultKeys]) {
    const keys = await requireKeys(path);
    const place = keys.findIndex((key) => idOf(key) === id);
    if (place === 0) throw new AppError("conflict", { message: `${id} is the key that seals.` });
    if (place > 0) return { path, keys };
  }
  throw new AppError("not_found", { message: `There is no key ${id} in the stack's files.` });
}

/** @returns the id of the new key. */
async function putFirst(
  file: string,
  prefix: string,
  make: (id: string) => Promise<string>,
): Promise<string> {
  const keys = await requireKeys(file);
  const numbers = keys.map((key) => Number(idOf(key).replace(/^\D+/, "")) || 0);
  const id = `${prefix}${Math.max(0, ...numbers) + 1}`;
  await writeSecret(file, [await make(id), ...keys].join(","));
  return id;
}

function idOf(key: string): string {
  return key.trim().split(":")[0] ?? "";
}
