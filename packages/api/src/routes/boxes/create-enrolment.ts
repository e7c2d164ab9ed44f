import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { sha256Hex } from "@earshot/shared/crypto/bytes";
import { newSecret } from "@earshot/shared/crypto/session-tokens";
import { insertEnrolment, isOperator } from "@earshot/shared/db/boxes";
import { AppError } from "@earshot/shared/domain/errors";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { actorName } from "../../principal.ts";
import { problems } from "../answers.ts";

const EnrolmentRequest = z
  .strictObject({ name: z.string().trim().min(1).max(100).describe(doc("What you call the machine.")) })
  .meta({ id: doc("BoxEnrolmentRequest") });

const Enrolment = doc(() =>
  z
    .object({
      code: z.string().describe("Good once. It is shown this once."),
      name: z.string(),
      expires_at: z.iso.datetime(),
    })
    .meta({ id: "BoxEnrolment" }),
);

const route = createRoute({
  method: "post",
  path: "/v1/boxes/enrolments",
  summary: doc("Make a code that lets one machine in, within a quarter of an hour"),
  middleware: authorize("boxes:write"),
  request: { body: { required: true, content: { "application/json": { schema: EnrolmentRequest } } } },
  responses: doc(() => ({
    201: {
      description: "The code, for `earshot worker enrol` on that machine.",
      content: { "application/json": { schema: Enrolment } },
    },
    ...problems("validation_failed", "forbidden", "conflict", "body_too_large", "unsupported_content_type"),
  })),
});

/** Without Idempotency-Key: a saved answer would hold the code. */
export function createEnrolment(app: App, { db, boxes }: Pick<Deps, "db" | "boxes">): void {
  app.openapi(route, async (c) => {
    const { name } = c.req.valid("json");
    const { principal } = c.var;
    const { accountId } = principal;
    await refuseStranger(db, accountId);
    if (boxes === null)
      throw new AppError("conflict", { message: "This installation has no EARSHOT_BOX_DATABASE_URL." });
    const code = `eb_${newSecret()}`;
    const enrolment = { codeHash: await sha256Hex(code), name, accountId, createdBy: actorName(principal) };
    const expiresAt = await db.transaction(async (tx) => {
      await audit(c, tx, { action: "box.invite", detail: { name } });
      return insertEnrolment(tx, enrolment);
    });
    return c.json({ code, name, expires_at: expiresAt.toISOString() }, 201, { "Cache-Control": "no-store" });
  });
}

/** A box sees the audio of all accounts: the owner of one of many may not bring his own. */
async function refuseStranger(db: Deps["db"], accountId: string): Promise<void> {
  if (await isOperator(db, accountId)) return;
  throw new AppError("forbidden", {
    message:
      "Machines work for every account: only the account that operates this installation lets them in.",
  });
}
