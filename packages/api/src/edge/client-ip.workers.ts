import { formatIp, parseIp } from "@earshot/shared/domain/ip-address";
import type { ClientIp } from "../deps.ts";

/** Cloudflare sets this header itself, over whatever the client sent. X-Forwarded-For it only adds to. */
export const clientIpAtEdge: ClientIp = (c) => {
  const ip = parseIp(c.req.header("CF-Connecting-IP") ?? "");
  return ip === null ? null : formatIp(ip);
};
