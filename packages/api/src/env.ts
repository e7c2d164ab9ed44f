import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Bytes } from "@earshot/shared/crypto/bytes";
import type { TraceSpan } from "@earshot/shared/crypto/trace";
import type { LogFields } from "@earshot/shared/log";
import type { Principal } from "./principal.ts";

/** What the middlewares have found out about a request by the time a route sees it. */
export interface AppEnv {
  Variables: {
    requestId: string;
    /** This request's place in its trace: the caller's, or one that begins here. */
    span: TraceSpan;
    /** The same as the next hop is told it (W3C Trace Context). */
    traceparent: string;
    /** Fields of the request's one log event; see `note`. */
    facts: LogFields;
    /** Null where the runtime cannot say. IPv4 dotted, IPv6 as RFC 5952 writes it. */
    clientIp: string | null;
    principal: Principal;
    /** Of the key whose name was shown with a secret that is not its own. */
    claimed?: { accountId: string; keyId: string };
    /** What the client shows from now on, when the session's secret was replaced. */
    renewedSession?: { token: string; expiresAt: Date };
    /** The body as it was sent; empty without one. */
    rawBody: Bytes;
  };
}

export type App = OpenAPIHono<AppEnv>;
export type AppContext = Context<AppEnv>;

/** Adds fields to the one log event of this request. No bodies, no keys, no query strings. */
export function note(c: AppContext, facts: LogFields): void {
  c.set("facts", { ...c.var.facts, ...facts });
}
