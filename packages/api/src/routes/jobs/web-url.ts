import { allowsLoopback } from "@earshot/shared/domain/loopback";
import type { LoopbackAllowance } from "@earshot/shared/domain/loopback";

/** http or https, with a host, without credentials, and written as it will be fetched. */
export function isPlainWebUrl(text: string): boolean {
  // URL() strips blanks and reads a backslash as a slash.
  if (!/^https?:\/\/[^\s\\]+$/i.test(text)) return false;
  const url = URL.parse(text);
  return url !== null && url.hostname !== "" && url.username === "" && url.password === "";
}

/** http to this very machine, as far as this deployment opens it. */
export function isAllowedOnLoopback(text: string, allowance: LoopbackAllowance): boolean {
  const url = URL.parse(text);
  if (url?.protocol !== "http:" || !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname))
    return false;
  return allowsLoopback(allowance, Number(url.port || 80));
}
