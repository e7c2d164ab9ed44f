import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { seal, unseal } from "@earshot/shared/crypto/seal";
import * as z from "zod";
import type { Deps } from "../deps.ts";
import type { AppContext } from "../env.ts";

/** What a sign-in that is under way must find again, in the very browser that began it. */
const Flow = z.object({
  issuer: z.string(),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  returnTo: z.string(),
  accountId: z.string().nullable(),
  endsAt: z.number(),
});

export type Flow = z.output<typeof Flow>;

export const FLOW_SECONDS = 600;

const NAME = "__Host-earshot-sign-in";
const ATTRIBUTES = { httpOnly: true, secure: true, sameSite: "Lax", path: "/" } as const;
/** Binds what is sealed to this use. */
const CONTEXT = "sign-in";

/** Sealed, so that the browser can neither read nor make one. */
export async function writeFlow(
  c: AppContext,
  { sealKeys }: Pick<Deps, "sealKeys">,
  flow: Flow,
): Promise<void> {
  const sealed = await seal(sealKeys, JSON.stringify(flow), CONTEXT);
  setCookie(c, NAME, sealed, { ...ATTRIBUTES, maxAge: FLOW_SECONDS });
}

/** Takes it out of the browser: it is used once. Null: there is none, or it is not ours, or it is too old. */
export async function takeFlow(
  c: AppContext,
  { sealKeys, clock }: Pick<Deps, "sealKeys" | "clock">,
): Promise<Flow | null> {
  const sealed = getCookie(c, NAME);
  deleteCookie(c, NAME, ATTRIBUTES);
  if (sealed === undefined) return null;
  try {
    const flow = Flow.parse(JSON.parse(await unseal(sealKeys, sealed, CONTEXT)));
    return clock().getTime() < flow.endsAt ? flow : null;
  } catch {
    return null;
  }
}
