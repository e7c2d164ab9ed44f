import { rm } from "node:fs/promises";
import type { Home } from "../stack/home.ts";
import { readSecret, writeSecret } from "../stack/secret-file.ts";
import * as z from "zod";

const Kept = z.object({ url: z.string(), token: z.string() });

/**
 * A credential that is replaced now and then by the API. It is read anew for each request and written when it has
 * changed: several commands at once share it.
 */
export interface SessionFile {
  read(): Promise<string>;
  renew(token: string): Promise<void>;
}

/** The session of the home, if it is one at this API. */
export async function sessionAt(home: Home, url: string): Promise<SessionFile | null> {
  if ((await readKept(home))?.url !== url) return null;
  return {
    read: async () => (await readKept(home))?.token ?? "",
    renew: (token) => keepSession(home, { url, token }),
  };
}

/** The runtime's fetch, which keeps the token that the API answers in place of an older one. */
export function keptFetch(session: SessionFile): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    const renewed = response.headers.get("earshot-session");
    if (renewed !== null) await session.renew(renewed);
    return response;
  };
}

export function keepSession(home: Home, kept: z.output<typeof Kept>): Promise<void> {
  return writeSecret(home.session, JSON.stringify(kept));
}

export async function forgetSession(home: Home): Promise<void> {
  await rm(home.session, { force: true });
}

async function readKept(home: Home): Promise<z.output<typeof Kept> | null> {
  const text = await readSecret(home.session);
  if (text === null) return null;
  const kept = Kept.safeParse(parse(text));
  return kept.success ? kept.data : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
