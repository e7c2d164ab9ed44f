import { setTimeout as delay } from "node:timers/promises";
import { ApiError } from "@earshot/sdk";
import { AppError } from "@earshot/shared/domain/errors";
import * as z from "zod";
import { postJson } from "./post-json.ts";

const Begun = z.object({
  device_code: z.string(),
  user_code: z.string(),
  verification_uri_complete: z.string(),
  expires_in: z.number(),
  interval: z.number(),
});

export type BegunLogin = z.output<typeof Begun>;

const Token = z.object({ access_token: z.string() });
const Refusal = z.object({ error: z.string(), error_description: z.string() });

/** RFC 8628, as /v1/auth/device speaks it. */
export async function beginDeviceLogin(url: string, name: string, signal: AbortSignal): Promise<BegunLogin> {
  const { response, body } = await postJson(
    url,
    "/v1/auth/device",
    { client_name: name.slice(0, 100) },
    signal,
  );
  if (!response.ok) throw new ApiError(response, body);
  return Begun.parse(body);
}

/** Asks until somebody has decided. @throws AppError `forbidden` when it was denied, or nobody came in time. */
export async function waitForApproval(url: string, login: BegunLogin, signal: AbortSignal): Promise<string> {
  const deadline = performance.now() + login.expires_in * 1000;
  let seconds = login.interval;
  while (performance.now() < deadline) {
    await delay(seconds * 1000, undefined, { signal });
    const { response, body } = await postJson(
      url,
      "/v1/auth/device/token",
      { device_code: login.device_code },
      signal,
    );
    if (response.ok) return Token.parse(body).access_token;
    const refusal = Refusal.safeParse(body);
    if (!refusal.success) throw new ApiError(response, body);
    const { error, error_description: message } = refusal.data;
    if (error === "slow_down") seconds += 5;
    else if (error !== "authorization_pending") throw new AppError("forbidden", { message });
  }
  throw new AppError("forbidden", { message: "Nobody approved it in time." });
}
