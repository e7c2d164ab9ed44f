import { CommanderError } from "commander";
import { ApiError, ConnectionError, UploadInterrupted } from "@earshot/sdk";
import { ConfigError } from "@earshot/shared/config/config-error";
import { AppError, isApiErrorCode } from "@earshot/shared/domain/errors";
import type { ApiErrorCode, ErrorCode, ErrorDetail } from "@earshot/shared/domain/errors";
import { BackupError } from "../backup/backup-error.ts";
import { PostgresError } from "../stack/postgres-error.ts";
import { StackError } from "../stack/stack-error.ts";

/** Exit statuses of every command (DESIGN §6). */
export const EXIT = {
  done: 0,
  /** Bad input, a failed task, a refused request. */
  failed: 1,
  /** Wrong usage. */
  usage: 2,
  /** Something is missing on this machine; `earshot doctor` says what. */
  missing: 3,
  /** By Ctrl-C or SIGTERM, as shells count it. */
  interrupted: 130,
} as const;

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

/** The codes of jobs and of the API, and one for what only this machine can lack. */
export type CommandErrorCode = ErrorCode | "missing";

/** An error that a command expected: how it is told, and how the process ends. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly status: ExitStatus;
  readonly code: CommandErrorCode;
  readonly detail: ErrorDetail;

  constructor(status: ExitStatus, code: CommandErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.detail = detail;
  }
}

export function usageError(message: string, detail: ErrorDetail = {}): CommandError {
  return new CommandError(EXIT.usage, "validation_failed", message, detail);
}

export function missingError(message: string, detail: ErrorDetail = {}): CommandError {
  return new CommandError(EXIT.missing, "missing", message, detail);
}

/** The process was told to stop. */
export function interruptedError(): CommandError {
  return new CommandError(EXIT.interrupted, "canceled", "Interrupted.");
}

/** What every error of a command comes to. One that nobody expected is told as `internal`, with its own words. */
export function toCommandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  if (error instanceof CommanderError) return usageError(usageMessage(error));
  if (error instanceof ConfigError) return usageError(error.message);
  // What broke an upload off says more than that it did.
  if (error instanceof UploadInterrupted) return toCommandError(error.cause);
  if (error instanceof ApiError) return refusalOf(error);
  if (error instanceof ConnectionError) return missingError(`${error.message} Start it with: npm start`);
  if (error instanceof BackupError) return new CommandError(EXIT.failed, "validation_failed", error.message);
  if (error instanceof StackError || error instanceof PostgresError) return missingError(error.message);
  if (error instanceof AppError)
    return new CommandError(statusOf(error), error.code, error.message, error.detail);
  const message = error instanceof Error ? error.message : String(error);
  return new CommandError(EXIT.failed, "internal", message);
}

/** Codes for the answers of a proxy, which have no problem body. */
const CODES: Readonly<Record<number, ApiErrorCode>> = {
  400: "validation_failed",
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  409: "conflict",
  410: "gone",
  413: "body_too_large",
  415: "unsupported_content_type",
  429: "rate_limited",
  503: "unavailable",
};

function refusalOf({ status, code, message, requestId, errors }: ApiError): CommandError {
  return new CommandError(EXIT.failed, isApiErrorCode(code) ? code : (CODES[status] ?? "internal"), message, {
    status,
    ...(requestId !== null && { request_id: requestId }),
    ...(errors.length > 0 && { errors }),
  });
}

function usageMessage({ code, message }: CommanderError): string {
  return code === "commander.help" ? "Name a command." : message.replace(/^error: /, "");
}

/** A model or a program that isn't installed is this machine's fault; anything else is the input's. */
function statusOf(error: AppError): ExitStatus {
  return error.code === "model_unavailable" || "hint" in error.detail ? EXIT.missing : EXIT.failed;
}
