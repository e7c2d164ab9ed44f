import { AppError } from "@earshot/shared/domain/errors";
import { SECURITY_HEADERS } from "../middleware/security-headers.ts";
import { problemHeaders, problemOf } from "../problem.ts";
import type { Shield } from "./edge-env.ts";

/** As long as the binding's own period. */
const RETRY_AFTER_SECONDS = 60;

/** Answers an address that asks far too much before anything is opened for it; null lets the request through. */
export async function shield(request: Request, binding: Shield | undefined): Promise<Response | null> {
  const address = request.headers.get("CF-Connecting-IP");
  if (binding === undefined || address === null) return null;
  if (await hasRoom(binding, address)) return null;
  const error = new AppError("rate_limited", { detail: { retryAfterSeconds: RETRY_AFTER_SECONDS } });
  const problem = problemOf(error, request.headers.get("CF-Ray") ?? "");
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { ...SECURITY_HEADERS, ...problemHeaders(error, problem.code) },
  });
}

/** The shield is for our own sake: without it the exact limits still stand. */
async function hasRoom(binding: Shield, address: string): Promise<boolean> {
  try {
    return (await binding.limit({ key: address })).success;
  } catch {
    return true;
  }
}
