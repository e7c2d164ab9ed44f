import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { peekAssertion, verifyAssertion } from "@earshot/shared/crypto/box-assertions";
import { scramVerifier } from "@earshot/shared/crypto/scram";
import { newSecret } from "@earshot/shared/crypto/session-tokens";
import { resultSealKeyOf } from "@earshot/shared/crypto/result-keys";
import { findLiveBox, openBoxLogin, useAssertion } from "@earshot/shared/db/boxes";
import type { Box } from "@earshot/shared/db/boxes";
import { AppError } from "@earshot/shared/domain/errors";
import { audit } from "../../audit.ts";
import { BOX_CREDENTIAL_SECONDS } from "../../box-config.ts";
import type { BoxService, Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App } from "../../env.ts";
import { limitAddress } from "../../middleware/rate-limit.ts";
import type { LimitDeps } from "../../middleware/rate-limit.ts";
import { problems } from "../answers.ts";
import { openBody } from "../auth/open-body.ts";

const TokenRequest = z
  .strictObject({
    assertion: z
      .string()
      .min(1)
      .max(4096)
      .describe(doc("A JWT by the machine's own key, good once and for 60 s (RFC 7523).")),
  })
  .meta({ id: doc("BoxTokenRequest") });

const BoxToken = doc(() =>
  z
    .object({
      box_id: z.string(),
      expires_in: z.number().int().describe("Seconds until all of it is worth nothing."),
      database: z.object({
        url: z.string().describe("With the machine's own login, without its password."),
        password: z.string(),
      }),
      queue: z.object({
        url: z.string(),
        endpoint: z.string().nullable().describe("Of an SQS-compatible server; null for AWS."),
      }),
      blobs: z
        .string()
        .nullable()
        .describe("The bucket; null where it is a directory, which the machine knows itself."),
      aws: z
        .object({
          access_key_id: z.string(),
          secret_access_key: z.string(),
          session_token: z.string().nullable(),
        })
        .nullable()
        .describe("For the queue, and for the bucket where that is on AWS. Null: the queue wants none."),
      result_seal_key: z.string().nullable().describe("Seals results of speech, and opens nothing."),
    })
    .meta({ id: "BoxToken" }),
);

const routeOf = (deps: LimitDeps) =>
  createRoute({
    method: "post",
    path: "/v1/boxes/token",
    summary: doc("Credentials for one hour, for a machine that proves who it is by its key"),
    security: [],
    middleware: [limitAddress(deps, "auth"), ...openBody()] as const,
    request: { body: { required: true, content: { "application/json": { schema: TokenRequest } } } },
    responses: doc(() => ({
      200: {
        description: "They replace those before: the old password is worth nothing from now on.",
        content: { "application/json": { schema: BoxToken } },
      },
      ...problems(
        "validation_failed",
        "conflict",
        "rate_limited",
        "body_too_large",
        "unsupported_content_type",
      ),
    })),
  });

type TokenDeps = Pick<Deps, "db" | "boxes" | "tokens" | "resultKeys"> & LimitDeps;

export function createBoxToken(app: App, deps: TokenDeps): void {
  app.openapi(routeOf(deps), async (c) => {
    if (deps.boxes === null) throw new AppError("conflict");
    const box = await proveBox(deps, c.req.valid("json").assertion);
    note(c, { box_id: box.id });
    const aws = await deps.boxes.lendCredentials(box.id);
    const password = newSecret();
    const verifier = await scramVerifier(password);
    const validUntil = new Date(deps.clock().getTime() + BOX_CREDENTIAL_SECONDS * 1000);
    const login = await deps.db.transaction(async (tx) => {
      const actor = { kind: "box", id: box.id } as const;
      await audit(c, tx, { action: "box.token", target: box.id, accountId: box.accountId, actor });
      return openBoxLogin(tx, box.id, { verifier, validUntil });
    });
    const { queue, blobs } = deps.boxes;
    const body = {
      box_id: box.id,
      expires_in: BOX_CREDENTIAL_SECONDS,
      database: { url: databaseUrlOf(deps.boxes, login), password },
      queue: { url: queue.url, endpoint: queue.endpoint ?? null },
      blobs,
      aws: aws && {
        access_key_id: aws.accessKeyId,
        secret_access_key: aws.secretAccessKey,
        session_token: aws.sessionToken ?? null,
      },
      result_seal_key: deps.resultKeys && (await resultSealKeyOf(deps.resultKeys[0])),
    };
    return c.json(body, 200, { "Cache-Control": "no-store" });
  });
}

/** Unknown, revoked, forged, stale and used assertions are refused alike. Nobody gets in when nobody can tell. */
async function proveBox({ db, tokens, clock }: TokenDeps, assertion: string): Promise<Box> {
  const said = peekAssertion(assertion);
  const box = said === null ? null : await findLiveBox(db, said);
  if (box === null) throw new AppError("unauthorized");
  const jti = await verifyAssertion(assertion, box, { issuer: tokens.issuer, now: clock() });
  if (jti === null || !(await useAssertion(db, box.id, jti))) throw new AppError("unauthorized");
  return box;
}

function databaseUrlOf({ databaseUrl }: BoxService, login: string): string {
  const url = new URL(databaseUrl);
  url.username = login;
  return url.href;
}
