import type { Env } from "@earshot/shared/config/env";
import { parseEnv } from "@earshot/shared/config/env";
import { DEFAULT_HOME } from "@earshot/shared/config/home";
import * as z from "zod";
import { homeAt } from "../stack/home.ts";
import { DEFAULT_PORT } from "../stack/stack-config.ts";
import { readSecret } from "../stack/secret-file.ts";
import { missingError, usageError } from "./command-error.ts";
import type { ApiConnection } from "../client/api-client.ts";
import { PATIENT } from "../client/retry.ts";

export interface ConnectionOptions {
  url?: string | undefined;
  keyFile?: string | undefined;
}

/** Which API to talk to, and with which key: what the command says, else the environment, else the home. */
export async function findConnection(options: ConnectionOptions, env: Env): Promise<ApiConnection> {
  const config = parseEnv(
    env,
    {
      HOME: z.string().default(DEFAULT_HOME),
      PORT: z.string().default(String(DEFAULT_PORT)),
      URL: z.url().optional(),
      API_KEY: z.string().optional(),
    },
    ["API_KEY"],
  );
  if (options.url !== undefined && !URL.canParse(options.url))
    throw usageError(`--url ${options.url} is not a URL.`);
  const url = options.url ?? config.URL ?? `http://127.0.0.1:${config.PORT}`;
  const key = options.keyFile === undefined ? config.API_KEY : await readKey(options.keyFile);
  return { url, key: key ?? (await readKey(homeAt(config.HOME).apiKey)), retry: PATIENT };
}

async function readKey(file: string): Promise<string> {
  const key = await readSecret(file);
  if (key) return key;
  throw missingError(
    `There is no API key in ${file}. Start the embedded stack (npm start), or name another file: --key-file or EARSHOT_API_KEY_FILE.`,
  );
}
