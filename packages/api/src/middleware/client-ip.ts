import type { MiddlewareHandler } from "hono";
import type { Deps } from "../deps.ts";
import type { AppEnv } from "../env.ts";
import { note } from "../env.ts";

/** Where the request comes from, as the runtime knows it: `c.var.clientIp`. */
export function clientIp({ clientIp: clientIpOf }: Pick<Deps, "clientIp">): MiddlewareHandler<AppEnv> {
  return async function clientIp(c, next) {
    const ip = clientIpOf(c);
    c.set("clientIp", ip);
    note(c, { client_ip: ip });
    await next();
  };
}
