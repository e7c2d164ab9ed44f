import { Earshot } from "@earshot/sdk";
import type { Env } from "@earshot/shared/config/env";
import { parseEnv } from "@earshot/shared/config/env";
import { DEFAULT_HOME } from "@earshot/shared/config/home";
import * as z from "zod";
import { homeAt } from "../stack/home.ts";
import type { Home } from "../stack/home.ts";
import { DEFAULT_PORT } from "../stack/stack-config.ts";
import { readSecret } from "../stack/secret-file.ts";
import { missingError, usageError } from "./command-error.ts";
import { keptFetch, sessionAt } from "../client/session-file.ts";

export interface ConnectionOptions {
  url?: string | undefined;
  keyFile?: string | undefined;
}

/** Which API a command means, and where this machine keeps what belongs to it. */
export function readWhere({ url }: Pick<ConnectionOptions, "url">, env: Env): { url: string; home: Home } {
  const config = parseEnv(env, {
    HOME: z.string().default(DEFAULT_HOME),
    PORT: z.string().default(String(DEFAULT_PORT)),
    URL: z.url().optional(),
  });
  if (url !== undefined && !URL.canParse(url)) throw usageError(`--url ${url} is not a URL.`);
  return { url: url ?? config.URL ?? `http://127.0.0.1:${config.PORT}`, home: homeAt(config.HOME) };
}

/** A client of it, with a credential: what the command says, else the environment, else who is signed in, else the home's key. */
export async function connect(options: ConnectionOptions, env: Env): Promise<Earshot> {
  const { url, home } = readWhere(options, env);
  const { API_KEY } = parseEnv(env, { API_KEY: z.string().optional() }, ["API_KEY"]);
  const named = options.keyFile === undefined ? API_KEY : await readKey(options.keyFile);
  if (named !== undefined) return new Earshot({ baseUrl: url, apiKey: named });
  const session = await sessionAt(home, url);
  return session === null
    ? new Earshot({ baseUrl: url, apiKey: await readKey(home.apiKey) })
    : new Earshot({ baseUrl: url, token: session.read, fetch: keptFetch(session) });
}

async function readKey(file: string): Promise<string> {
  const key = await readSecret(file);
  if (key) return key;
  throw missingError(
    `There is no API key in ${file}. Start the embedded stack (npm start), sign in (earshot login), or name another file: --key-file or EARSHOT_API_KEY_FILE.`,
  );
}
