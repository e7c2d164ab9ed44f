import { readFile } from "node:fs/promises";
import { parseEnv } from "@earshot/shared/config/env";
import type { Env } from "@earshot/shared/config/env";
import { DeadLetters } from "@earshot/shared/queue/dead-letters";
import type { DeadLetter } from "@earshot/shared/queue/dead-letters";
import * as z from "zod";
import { queueUrlsAt } from "../stack/queue.ts";
import { readStackConfig } from "../stack/stack-config.ts";
import { missingError, usageError } from "./command-error.ts";
import type { Terminal } from "./terminal.ts";

export interface QueueOptions {
  limit: string;
  json?: true;
}

export async function listDead({ limit, json }: QueueOptions, terminal: Terminal): Promise<void> {
  const letters = await withDeadLetters(terminal.env, (dead) => dead.list(readLimit(limit)));
  if (json) return terminal.out(JSON.stringify(letters));
  terminal.out(letters.length === 0 ? "there are none" : letters.map(lineOf).join("\n"));
}

export async function redriveDead({ limit, json }: QueueOptions, terminal: Terminal): Promise<void> {
  const { redriven, kept } = await withDeadLetters(terminal.env, (dead) => dead.redrive(readLimit(limit)));
  if (json) return terminal.out(JSON.stringify({ redriven, kept }));
  terminal.out([`${redriven.length} sent again, ${kept.length} kept`, ...kept.map(lineOf)].join("\n"));
}

function lineOf({ id, reason, receives, body }: DeadLetter): string {
  return `${id}  received ${receives} times  ${reason ?? "readable"}  ${body}`;
}

function readLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000)
    throw usageError("--limit is a whole number from 1 to 10000.");
  return limit;
}

async function withDeadLetters<T>(env: Env, work: (dead: DeadLetters) => Promise<T>): Promise<T> {
  const dead = new DeadLetters(await findQueue(env));
  try {
    return await work(dead);
  } finally {
    dead.close();
  }
}

async function findQueue(env: Env) {
  const { QUEUE_URL, DEAD_LETTER_URL, QUEUE_ENDPOINT } = parseEnv(env, {
    QUEUE_URL: z.url().optional(),
    DEAD_LETTER_URL: z.url().optional(),
    QUEUE_ENDPOINT: z.url().optional(),
  });
  if (QUEUE_URL !== undefined && DEAD_LETTER_URL !== undefined)
    return { url: QUEUE_URL, deadLetterUrl: DEAD_LETTER_URL, endpoint: QUEUE_ENDPOINT };
  const { home } = readStackConfig(env);
  const port = Number(await readFile(home.queuePort, "utf8").catch(() => "0"));
  if (port > 0) return queueUrlsAt(port);
  throw missingError(
    `No stack was started in ${home.directory}. Start it with npm start, or name EARSHOT_QUEUE_URL and EARSHOT_DEAD_LETTER_URL.`,
  );
}
