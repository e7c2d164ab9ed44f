import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { sha256Hex } from "@earshot/shared/crypto/bytes";
import { newSecret } from "@earshot/shared/crypto/session-tokens";
import { newUserCode } from "@earshot/shared/crypto/user-code";
import { beginDeviceLogin, DEVICE_LOGIN_SECONDS, POLL_SECONDS } from "@earshot/shared/db/device-logins";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { problems } from "../answers.ts";
import { openBody } from "./open-body.ts";

export const DEVICE_PAGE = "/v1/auth/device";

const DeviceRequest = z
  .strictObject({
    client_name: z
      .string()
      .trim()
      .min(1)
      .max(100)
      .default("earshot")
      .describe(doc("Shown to the person who is asked, beside the address that the request came from.")),
  })
  .meta({ id: doc("DeviceRequest") });

/** In the words of RFC 8628, section 3.2. */
const DeviceLogin = doc(() =>
  z
    .object({
      device_code: z.string(),
      user_code: z.string(),
      verification_uri: z.string(),
      verification_uri_complete: z.string(),
      expires_in: z.number().int(),
      interval: z.number().int(),
    })
    .meta({ id: "DeviceLogin" }),
);

const route = createRoute({
  method: "post",
  path: "/v1/auth/device",
  summary: doc("Begin to sign in on a device without a browser"),
  security: [],
  middleware: openBody(),
  request: { body: { required: false, content: { "application/json": { schema: DeviceRequest } } } },
  responses: doc(() => ({
    200: {
      description: "Show the code and the address; ask for the outcome meanwhile.",
      content: { "application/json": { schema: DeviceLogin } },
    },
    ...problems("validation_failed", "rate_limited", "body_too_large", "unsupported_content_type"),
  })),
});

export function beginDevice(app: App, { db, tokens }: Pick<Deps, "db" | "tokens">): void {
  app.openapi(route, async (c) => {
    // No body at all is not validated, and comes without the defaults.
    const { client_name: clientName } = DeviceRequest.parse(c.req.valid("json"));
    const deviceCode = newSecret();
    const deviceHash = await sha256Hex(deviceCode);
    let userCode = newUserCode();
    const login = { deviceHash, clientName, ip: c.var.clientIp };
    while (!(await beginDeviceLogin(db, { ...login, userCode }))) userCode = newUserCode();
    const page = tokens.issuer + DEVICE_PAGE;
    const body = {
      device_code: deviceCode,
      user_code: userCode,
      verification_uri: page,
      verification_uri_complete: `${page}?user_code=${userCode}`,
      expires_in: DEVICE_LOGIN_SECONDS,
      interval: POLL_SECONDS,
    };
    return c.json(body, 200, { "Cache-Control": "no-store" });
  });
}
