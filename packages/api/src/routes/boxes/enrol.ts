import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { algorithmOf, assertionAudience, BoxPublicJwk } from "@earshot/shared/crypto/box-assertions";
import { sha256Hex } from "@earshot/shared/crypto/bytes";
import { importPublic } from "@earshot/shared/crypto/signing-keys";
import { enrolBox } from "@earshot/shared/db/boxes";
import { AppError } from "@earshot/shared/domain/errors";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App } from "../../env.ts";
import { limitAddress } from "../../middleware/rate-limit.ts";
import type { LimitDeps } from "../../middleware/rate-limit.ts";
import { invalid } from "../../problem.ts";
import { problems } from "../answers.ts";
import { openBody } from "../auth/open-body.ts";

const EnrolRequest = z
  .strictObject({ code: z.string().min(1).max(128), public_key: BoxPublicJwk })
  .meta({ id: doc("BoxRequest") });

const Enrolled = doc(() =>
  z
    .object({
      id: z.string(),
      name: z.string(),
      audience: z.string().describe("`aud` of the assertions by which the machine proves who it is."),
    })
    .meta({ id: "EnrolledBox" }),
);

const routeOf = (deps: LimitDeps) =>
  createRoute({
    method: "post",
    path: "/v1/boxes",
    summary: doc("Register a machine's own key by its one-time code"),
    security: [],
    middleware: [limitAddress(deps, "auth"), ...openBody()] as const,
    request: { body: { required: true, content: { "application/json": { schema: EnrolRequest } } } },
    responses: doc(() => ({
      201: { description: "The machine is in.", content: { "application/json": { schema: Enrolled } } },
      ...problems("validation_failed", "rate_limited", "body_too_large", "unsupported_content_type"),
    })),
  });

export function enrol(app: App, deps: Pick<Deps, "db" | "tokens"> & LimitDeps): void {
  app.openapi(routeOf(deps), async (c) => {
    const { code, public_key: publicKey } = c.req.valid("json");
    const key = { algorithm: algorithmOf(publicKey), publicJwk: JSON.stringify(publicKey) };
    await importPublic(key).catch(() => {
      throw invalid("/public_key", "This is no key.");
    });
    const codeHash = await sha256Hex(code);
    const box = await deps.db.transaction(async (tx) => {
      const made = await enrolBox(tx, codeHash, key);
      if (made === null)
        throw new AppError("unauthorized", {
          message: "There is no such code, or it was used, or is too old.",
        });
      const { id: target, name, accountId } = made;
      await audit(c, tx, { action: "box.enrol", target, accountId, detail: { name } });
      return made;
    });
    note(c, { box_id: box.id });
    const body = { id: box.id, name: box.name, audience: assertionAudience(deps.tokens.issuer) };
    return c.json(body, 201, { "Cache-Control": "no-store" });
  });
}
