import type { ZodError } from "zod";
import type { FieldError } from "./problem.ts";

type Issue = ZodError["issues"][number];

/** Where each part of a request is pointed to; the body itself is the root. */
const ROOTS: Readonly<Record<string, string>> = {
  json: "",
  query: "/query",
  header: "/headers",
  param: "/path",
};

/** A pointer for each fault that zod found in `target` (one of hono's validation targets). */
export function fieldErrors(target: string, error: ZodError): FieldError[] {
  const root = ROOTS[target] ?? `/${target}`;
  return error.issues.flatMap((issue) => pathsOf(issue).map((path) => fieldError(root, path, issue)));
}

/** JSON Pointer, RFC 6901. */
export function toPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** An unknown field is at fault itself, not the object that holds it. */
function pathsOf(issue: Issue): PropertyKey[][] {
  if (issue.code !== "unrecognized_keys") return [issue.path];
  return issue.keys.map((key) => [...issue.path, key]);
}

function fieldError(root: string, path: PropertyKey[], issue: Issue): FieldError {
  const detail = issue.code === "unrecognized_keys" ? "This field is not known here." : `${issue.message}.`;
  return { pointer: root + toPointer(path), code: issue.code, detail: detail.replace(/\.\.$/, ".") };
}
