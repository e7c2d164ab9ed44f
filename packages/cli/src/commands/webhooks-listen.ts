import { unwrap } from "@earshot/sdk";
import type { Earshot, HeardEvent, ListenOptions } from "@earshot/sdk";
import { newWebhookSecret } from "@earshot/shared/crypto/webhook-signatures";
import { readSecret } from "../stack/secret-file.ts";
import { missingError, usageError } from "./command-error.ts";
import type { ConnectionOptions } from "./connection.ts";
import type { Terminal } from "./terminal.ts";

export interface ListenCommand extends ConnectionOptions {
  forwardTo: string;
  events?: string;
  secretFile?: string;
  after?: string;
  json?: true;
}

/** As the deliverer's. */
const FORWARD_TIMEOUT_MS = 15_000;

/** What came of passing an event on. Without an answer there is an `error`. */
interface Forwarded {
  status: number | null;
  error: string | null;
  latency_ms: number;
}

/** Passes the account's events on to a URL of this machine until the terminal's signal aborts: then it is done. */
export async function listen(
  earshot: Earshot,
  options: ListenCommand & Pick<ListenOptions, "types">,
  terminal: Terminal,
): Promise<void> {
  const target = targetOf(options.forwardTo);
  const after = options.after === undefined ? undefined : sequenceOf(options.after);
  const secret = await secretOf(options, terminal);
  const { signal } = terminal;
  let isAway = false;
  const onTrouble = ({ message }: Error) => {
    if (!isAway) terminal.err(`${message} Trying again until it is back.`);
    isAway = true;
  };
  terminal.err(`Passing events on to ${target}. Ctrl-C ends it.`);
  try {
    for await (const event of earshot.events.listen({
      secret,
      after,
      types: options.types,
      onTrouble,
      signal,
    })) {
      isAway = false;
      const forwarded = await forward(event, target, secret, signal);
      terminal.out(options.json ? jsonLine(event, forwarded) : textLine(event, forwarded));
    }
  } catch (error) {
    // Ctrl-C is how this ends.
    if (!signal.aborted) throw error;
  }
}

/** The bytes and the headers of a delivery. What isn't signed with our secret goes no further. */
async function forward(
  event: HeardEvent,
  target: string,
  secret: string,
  stop: AbortSignal,
): Promise<Forwarded> {
  await unwrap(event.body, event.headers, secret);
  const startMs = performance.now();
  const outcome = await post(event, target, stop);
  return { ...outcome, latency_ms: Math.round(performance.now() - startMs) };
}

async function post(
  event: HeardEvent,
  target: string,
  stop: AbortSignal,
): Promise<Omit<Forwarded, "latency_ms">> {
  try {
    const response = await fetch(target, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": "Earshot-Webhooks/1", ...event.headers },
      body: event.body,
      redirect: "manual",
      signal: AbortSignal.any([stop, AbortSignal.timeout(FORWARD_TIMEOUT_MS)]),
    });
    await response.body?.cancel();
    return { status: response.status, error: null };
  } catch (error) {
    stop.throwIfAborted();
    return { status: null, error: faultOf(error) };
  }
}

function faultOf(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") return "timeout";
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause ? String(cause.code) : String(error);
}

function targetOf(url: string): string {
  const target = URL.parse(url);
  if (target?.protocol === "http:" || target?.protocol === "https:") return target.href;
  throw usageError(`--forward-to ${url} is not an http URL.`);
}

function sequenceOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw usageError("--after is the sequence of an event.", { after: text });
}

/** It signs for this session alone, and opens nothing: it may be shown. */
async function secretOf({ secretFile }: ListenCommand, terminal: Terminal): Promise<string> {
  if (secretFile === undefined) {
    const secret = newWebhookSecret();
    terminal.err(`Signed with the secret of this session: ${secret}`);
    return secret;
  }
  const secret = await readSecret(secretFile);
  if (secret) return secret;
  throw missingError(`There is no secret in ${secretFile}.`);
}

function jsonLine({ id, type, sequence }: HeardEvent, forwarded: Forwarded): string {
  return JSON.stringify({ id, type, sequence, ...forwarded });
}

function textLine({ id, type }: HeardEvent, { status, error, latency_ms: ms }: Forwarded): string {
  return `${type}  ${id}  ${status ?? `no answer: ${error}`}  ${ms} ms`;
}
