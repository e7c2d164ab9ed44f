import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { AppContext } from "./env.ts";

/** The prefix has browsers take it from this very host alone, by https, for every path. */
const NAME = "__Host-earshot";
const ATTRIBUTES = { httpOnly: true, secure: true, sameSite: "Lax", path: "/" } as const;

export function readSessionCookie(c: AppContext): string | null {
  return getCookie(c, NAME) ?? null;
}

export function writeSessionCookie(c: AppContext, token: string, expiresAt: Date): void {
  setCookie(c, NAME, token, { ...ATTRIBUTES, expires: expiresAt });
}

export function clearSessionCookie(c: AppContext): void {
  deleteCookie(c, NAME, ATTRIBUTES);
}
