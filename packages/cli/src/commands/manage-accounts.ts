import { createAccount } from "@earshot/shared/db/accounts";
import { changeSettings, findSettings, listSettings } from "@earshot/shared/db/account-settings";
import type { AccountSettings, NamedSettings } from "@earshot/shared/db/account-settings";
import { recordAudit } from "@earshot/shared/db/audit";
import { AppError } from "@earshot/shared/domain/errors";
import { publishedModels } from "@earshot/shared/domain/models";
import { usageError } from "./command-error.ts";
import { withOwnersDatabase } from "./owner-connection.ts";
import { readSealKeys } from "./seal-keys.ts";
import type { Terminal } from "./terminal.ts";

export interface AccountOptions {
  json?: true;
}

export interface AccountSettingsOptions extends AccountOptions {
  maxQueuedJobs?: string;
  maxRunningJobs?: string;
  maxUploadBytesPerMonth?: string;
  maxAudioSecondsPerMonth?: string;
  allowedModels?: string;
}

const OPERATOR = { kind: "operator", id: null } as const;
/** Of a column of type integer. */
const MOST_RUNNING = 2 ** 31 - 1;

export async function makeAccount(name: string, { json }: AccountOptions, terminal: Terminal): Promise<void> {
  const shown = name.trim();
  if (shown === "" || shown.length > 100) throw usageError("A name has 1 to 100 characters.");
  const sealKeys = await readSealKeys(terminal.env);
  const { id } = await withOwnersDatabase(terminal.env, (db) =>
    db.transaction(async (tx) => {
      const made = await createAccount(tx, sealKeys, shown);
      const act = { action: "account.create", target: made.id, detail: { name: shown } };
      await recordAudit(tx, { accountId: made.id, actor: OPERATOR, ...act });
      return made;
    }),
  );
  terminal.out(json ? JSON.stringify({ id, name: shown }) : id);
}

export async function showAccounts({ json }: AccountOptions, terminal: Terminal): Promise<void> {
  const all = await withOwnersDatabase(terminal.env, listSettings);
  terminal.out(
    json
      ? JSON.stringify(all.map(accountJson))
      : all.map(({ id, name, ...settings }) => `${id}  ${name}  ${settingsText(settings)}`).join("\n"),
  );
}

/** @throws AppError `not_found` */
export async function showAccount(id: string, { json }: AccountOptions, terminal: Terminal): Promise<void> {
  const account = await withOwnersDatabase(terminal.env, (db) => findSettings(db, id));
  if (account === null) throw noAccount(id);
  terminal.out(json ? JSON.stringify(accountJson(account)) : lines(account));
}

/** @throws AppError `not_found`, CommandError for a setting that is none */
export async function changeAccount(
  id: string,
  options: AccountSettingsOptions,
  terminal: Terminal,
): Promise<void> {
  const changes = readChanges(options);
  if (Object.keys(changes).length === 0)
    throw usageError("Nothing is to be set: see earshot accounts set --help.");
  const account = await withOwnersDatabase(terminal.env, (db) =>
    db.transaction(async (tx) => {
      const before = await findSettings(tx, id);
      const after = before && (await changeSettings(tx, id, changes));
      if (!after) throw noAccount(id);
      const [from, to] = [accountJson(before), accountJson(after)];
      const changed = Object.keys(to).filter(
        (name) => JSON.stringify(from[name]) !== JSON.stringify(to[name]),
      );
      const detail = Object.fromEntries(changed.map((name) => [name, { from: from[name], to: to[name] }]));
      const act = { action: "account.change_settings", target: id, detail };
      if (changed.length > 0) await recordAudit(tx, { accountId: id, actor: OPERATOR, ...act });
      return after;
    }),
  );
  terminal.out(options.json ? JSON.stringify(accountJson(account)) : lines(account));
}

function readChanges(options: AccountSettingsOptions): Partial<AccountSettings> {
  const queued = options.maxQueuedJobs;
  return {
    ...(queued !== undefined && { maxQueuedJobs: wholeNumber("--max-queued-jobs", queued, { min: 0 }) }),
    ...limitOf("maxRunningJobs", "--max-running-jobs", options.maxRunningJobs, { min: 1, max: MOST_RUNNING }),
    ...limitOf("maxUploadBytesPerMonth", "--max-upload-bytes-per-month", options.maxUploadBytesPerMonth, {
      min: 0,
    }),
    ...limitOf("maxAudioSecondsPerMonth", "--max-audio-seconds-per-month", options.maxAudioSecondsPerMonth, {
      min: 0,
    }),
    ...(options.allowedModels !== undefined && { allowedModels: readModels(options.allowedModels) }),
  };
}

interface Bounds {
  min: number;
  max?: number;
}

function limitOf(
  name: "maxRunningJobs" | "maxUploadBytesPerMonth" | "maxAudioSecondsPerMonth",
  option: string,
  text: string | undefined,
  bounds: Bounds,
): Partial<AccountSettings> {
  if (text === undefined) return {};
  return { [name]: text === "none" ? null : wholeNumber(option, text, bounds) };
}

function wholeNumber(option: string, text: string, { min, max = Number.MAX_SAFE_INTEGER }: Bounds): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw usageError(`${option} is a whole number from ${min} to ${max}.`);
}

function readModels(text: string): string[] | null {
  if (text === "all") return null;
  const ids = [...new Set(text.split(",").map((id) => id.trim()))];
  const known = publishedModels().map(({ id }) => id);
  const unknown = ids.find((id) => !known.includes(id));
  if (unknown === undefined) return ids;
  throw usageError(`There is no model "${unknown}". The models are ${known.join(", ")}.`, { model: unknown });
}

function noAccount(id: string): AppError {
  return new AppError("not_found", { message: `There is no account ${id}.` });
}

function settingsJson(settings: AccountSettings): Record<string, unknown> {
  return {
    max_queued_jobs: settings.maxQueuedJobs,
    max_running_jobs: settings.maxRunningJobs,
    max_upload_bytes_per_month: settings.maxUploadBytesPerMonth,
    max_audio_seconds_per_month: settings.maxAudioSecondsPerMonth,
    allowed_models: settings.allowedModels,
  };
}

function accountJson({ id, name, ...settings }: NamedSettings): Record<string, unknown> {
  return { id, name, ...settingsJson(settings) };
}

const spelled = (name: string, value: unknown) => {
  if (value !== null) return String(value);
  return name === "allowed_models" ? "all" : "none";
};

function settingsText(settings: AccountSettings): string {
  return Object.entries(settingsJson(settings))
    .map(([name, value]) => `${name}=${spelled(name, value)}`)
    .join(" ");
}

function lines(account: NamedSettings): string {
  return Object.entries(accountJson(account))
    .map(([name, value]) => `${name}  ${spelled(name, value)}`)
    .join("\n");
}
