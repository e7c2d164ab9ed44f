import { AppError } from "@earshot/shared/domain/errors";
import type { LoopbackAllowance } from "@earshot/shared/domain/loopback";
import { isLoopbackAddress } from "@earshot/shared/egress/address";
import { parseTarget } from "@earshot/shared/egress/target";
import type { Refusal } from "@earshot/shared/egress/target";

/** http or https, with a host, without credentials, and written as it will be fetched. */
export function isPlainWebUrl(text: string): boolean {
  // URL() strips blanks and reads a backslash as a slash.
  if (!/^https?:\/\/[^\s\\]+$/i.test(text)) return false;
  const url = URL.parse(text);
  return url !== null && url.hostname !== "" && url.username === "" && url.password === "";
}

const DETAILS: Record<Refusal, string> = {
  malformed: "This is not a URL.",
  scheme: "The URL must be https.",
  userinfo: "The URL must not have credentials.",
  port: "The port must be 443 or 8443.",
  host: "The host must be one of the public internet.",
  address: "The address must be one of the public internet.",
};

/**
 * Why the guard on outgoing requests will refuse this URL whatever DNS says, or null. It is the guard's own
 * rule: what it would refuse later is not taken now.
 */
export function whyForbidden(url: string, allowLoopback: LoopbackAllowance): string | null {
  try {
    const { url: parsed, host } = parseTarget(url, { allowLoopback });
    // A name behind plain http may come out on loopback, where that is open; nobody means that.
    const isLocal = host === "localhost" || isLoopbackAddress(host);
    return parsed.protocol === "http:" && !isLocal ? DETAILS.scheme : null;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return DETAILS[error.detail["reason"] as Refusal];
  }
}
