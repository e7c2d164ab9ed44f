import type { MiddlewareHandler } from "hono";
import { AppError } from "@earshot/shared/domain/errors";
import type { Bytes } from "@earshot/shared/crypto/bytes";
import type { AppEnv } from "../env.ts";
import { toPointer } from "../field-errors.ts";
import { invalid } from "../problem.ts";

const JSON_TYPE = /^application\/([a-z.-]+\+)?json\s*(;|$)/i;
const CHARSET = /;\s*charset\s*=\s*"?([^\s";]+)/i;
const DEEPEST = 32;

// Postgres keeps neither U+0000 nor lone surrogates; the other control characters forge lines in logs and terminals.
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** Refuses JSON that a later step could choke on. Routes read the body that passes as usual, by their schema. */
export function strictJson(): MiddlewareHandler<AppEnv> {
  return async function strictJson(c, next) {
    const contentType = c.req.header("Content-Type") ?? "";
    if (c.var.rawBody.byteLength > 0 && JSON_TYPE.test(contentType)) {
      refuseEncoding(c.req.header("Content-Encoding"), CHARSET.exec(contentType)?.[1]);
      const text = decode(c.var.rawBody);
      parseStrictJson(text);
      Object.assign(c.req.bodyCache, { text: Promise.resolve(text) });
    }
    await next();
  };
}

/** @throws RefusedRequest for what is no JSON or cannot be kept. Its pointers go into the value, below `root`. */
export function parseStrictJson(text: string, root: readonly string[] = []): unknown {
  const value = parse(text, root);
  refuseUnkeepable(value, root);
  return value;
}

function refuseEncoding(encoding = "identity", charset = "utf-8"): void {
  if (encoding.toLowerCase() !== "identity" || !["utf-8", "utf8"].includes(charset.toLowerCase())) {
    throw new AppError("unsupported_content_type", { message: "Bodies are JSON in UTF-8, not compressed." });
  }
}

function decode(bytes: Bytes): string {
  try {
    // RFC 8259, section 8.1: a byte order mark is not part of JSON text.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalid("", "The body is not valid UTF-8.", "invalid_json");
  }
}

function parse(text: string, root: readonly string[]): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid(toPointer(root), `The ${root.at(-1) ?? "body"} is not valid JSON.`, "invalid_json");
  }
}

function refuseUnkeepable(value: unknown, path: readonly string[]): void {
  if (typeof value === "string") return refuseText(value, path);
  if (typeof value !== "object" || value === null) return;
  if (path.length === DEEPEST) throw invalid(toPointer(path), "The body is nested too deeply.", "too_deep");
  for (const [key, child] of Object.entries(value)) {
    const childPath = [...path, key];
    refuseKey(key, childPath);
    refuseUnkeepable(child, childPath);
  }
}

function refuseKey(key: string, path: readonly string[]): void {
  refuseText(key, path);
  if (key === "__proto__") throw invalid(toPointer(path), "This name is not allowed.", "unrecognized_keys");
}

function refuseText(text: string, path: readonly string[]): void {
  if (!text.isWellFormed() || CONTROL.test(text)) {
    throw invalid(
      toPointer(path),
      "Text may not hold control characters or lone surrogates.",
      "invalid_text",
    );
  }
}
