import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { sha256Hex } from "@earshot/shared/crypto/bytes";
import { pollDeviceLogin } from "@earshot/shared/db/device-logins";
import type { DevicePoll } from "@earshot/shared/db/device-logins";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { beginSession } from "../../sign-in/begin-session.ts";
import { problems } from "../answers.ts";
import { openBody } from "./open-body.ts";

const GRANT = "urn:ietf:params:oauth:grant-type:device_code";

const DeviceTokenRequest = z
  .strictObject({ device_code: z.string().min(1).max(128), grant_type: z.literal(GRANT).default(GRANT) })
  .meta({ id: doc("DeviceTokenRequest") });

const DeviceToken = doc(() =>
  z
    .object({
      access_token: z
        .string()
        .describe("Of a session: shown as a bearer. `Earshot-Session` on an answer replaces it."),
      token_type: z.literal("Bearer"),
      expires_in: z.number().int(),
      account_id: z.string(),
    })
    .meta({ id: "DeviceToken" }),
);

/** RFC 8628, section 3.5, beside what every problem says. */
const DeviceError = doc(() =>
  z
    .object({
      error: z.enum(["authorization_pending", "slow_down", "access_denied", "expired_token"]),
      error_description: z.string(),
    })
    .meta({ id: "DeviceError" }),
);

const { 400: INVALID, ...PROBLEMS } = problems(
  "validation_failed",
  "forbidden",
  "rate_limited",
  "body_too_large",
  "unsupported_content_type",
);

const route = createRoute({
  method: "post",
  path: "/v1/auth/device/token",
  summary: doc("Ask what has become of a device's sign-in, no more often than every `interval` seconds"),
  security: [],
  middleware: openBody(),
  request: { body: { required: true, content: { "application/json": { schema: DeviceTokenRequest } } } },
  responses: doc(() => ({
    200: {
      description: "Somebody has approved it. The answer is given once.",
      content: { "application/json": { schema: DeviceToken } },
    },
    400: {
      description: "Not yet, or not any more; or the request is not valid.",
      content: { "application/json": { schema: DeviceError }, ...INVALID?.content },
    },
    ...PROBLEMS,
  })),
});

const ERRORS = {
  pending: ["authorization_pending", "Nobody has decided yet."],
  slow_down: ["slow_down", "Wait five seconds longer between two questions from now on."],
  denied: ["access_denied", "Somebody said no."],
  expired: ["expired_token", "There is no such sign-in, or its time is over: begin anew."],
} as const satisfies Record<Exclude<DevicePoll["outcome"], "approved">, readonly [string, string]>;

export function pollDevice(app: App, { db, clock }: Pick<Deps, "db" | "clock">): void {
  app.openapi(route, async (c) => {
    const deviceHash = await sha256Hex(c.req.valid("json").device_code);
    const polled = await db.transaction(async (tx) => {
      const poll = await pollDeviceLogin(tx, deviceHash);
      if (poll.outcome !== "approved") return poll;
      const { accountId, userId, clientName } = poll;
      const session = await beginSession(c, tx, {
        accountId,
        userId,
        clientName,
        kind: "device",
        by: "device",
      });
      return { outcome: poll.outcome, session };
    });
    if (!("session" in polled)) {
      const [error, error_description] = ERRORS[polled.outcome];
      return c.json({ error, error_description }, 400, { "Cache-Control": "no-store" });
    }
    const { token, expiresAt, accountId } = polled.session;
    const body = {
      access_token: token,
      token_type: "Bearer" as const,
      expires_in: Math.floor((expiresAt.getTime() - clock().getTime()) / 1000),
      account_id: accountId,
    };
    return c.json(body, 200, { "Cache-Control": "no-store" });
  });
}
