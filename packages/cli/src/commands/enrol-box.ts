import { mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import * as z from "zod";
import { ApiError } from "@earshot/sdk";
import { newBoxKeyPair } from "@earshot/shared/crypto/box-assertions";
import type { BoxKey, BoxPublicJwk } from "@earshot/shared/crypto/box-assertions";
import { isLoopbackHost } from "@earshot/shared/domain/loopback";
import { postJson } from "../client/post-json.ts";
import { readSecret, writeSecret } from "../stack/secret-file.ts";
import { usageError } from "./command-error.ts";
import { readWhere } from "./connection.ts";
import type { Terminal } from "./terminal.ts";

export interface EnrolOptions {
  code: string;
  api: string;
  out?: string;
  json?: true;
}

const Enrolled = z.object({ id: z.string(), name: z.string(), audience: z.string() });

/** Makes this machine's own key, registers its public half, and keeps the private one in a file of 0600. */
export async function enrolBox({ code, api, out, json }: EnrolOptions, terminal: Terminal): Promise<void> {
  const url = readApi(api);
  const file = resolve(out ?? join(readWhere({}, terminal.env).home.directory, "box-key"));
  if ((await readSecret(file)) !== null)
    throw usageError(`${file} holds a key already: remove it, or name another file with --out.`);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const { publicJwk, privateJwk } = await newBoxKeyPair();
  const { id, name, audience } = await register(url, { code, public_key: publicJwk }, terminal.signal);
  const key: BoxKey = { box_id: id, api: url, audience, private_jwk: privateJwk };
  await writeSecret(file, JSON.stringify(key));
  terminal.out(
    json ? JSON.stringify({ id, name, file }) : `${id} (${name}) is enrolled: EARSHOT_BOX_KEY_FILE=${file}`,
  );
}

/** Credentials pass through it: in plain only to this very machine. */
function readApi(api: string): string {
  const url = URL.canParse(api) ? new URL(api) : null;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopbackHost(url.hostname));
  if (url === null || !isSafe) throw usageError(`--api ${api} is not an https URL.`);
  return url.origin;
}

async function register(
  url: string,
  request: { code: string; public_key: BoxPublicJwk },
  signal: AbortSignal,
): Promise<z.output<typeof Enrolled>> {
  const { response, body } = await postJson(url, "/v1/boxes", request, signal);
  if (!response.ok) throw new ApiError(response, body);
  return Enrolled.parse(body);
}
