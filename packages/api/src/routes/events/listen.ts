import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { signWebhook } from "@earshot/shared/crypto/webhook-signatures";
import type { Database } from "@earshot/shared/db/database";
import { eventsAfter, lastSequence } from "@earshot/shared/db/webhooks/list-events";
import type { StoredEvent } from "@earshot/shared/db/webhooks/list-events";
import { EVENT_TYPES } from "@earshot/shared/domain/events";
import { LIMITS } from "@earshot/shared/domain/limits";
import { pause } from "@earshot/shared/pause";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { WebhookSecret } from "../fields.ts";

const LOOK_EVERY_MS = 1_000;
const MOST = 100;

const ListenRequest = z
  .strictObject({
    secret: WebhookSecret.describe(
      doc(
        "The caller's own, made for this session: what is answered is signed with it, so that whoever gets it passed on can verify it. It is not kept.",
      ),
    ),
    after: z
      .int()
      .min(0)
      .optional()
      .describe(doc("`next_after` of the answer before. Without it: from now on.")),
    types: z
      .array(z.enum(EVENT_TYPES))
      .min(1)
      .max(EVENT_TYPES.length)
      .optional()
      .describe(doc("Only these.")),
    wait: z
      .int()
      .min(0)
      .max(LIMITS.waitSeconds)
      .default(0)
      .describe(doc("Seconds to wait for an event, where there is none yet.")),
  })
  .meta({ id: doc("EventListenRequest") });

const Heard = doc(() =>
  z
    .object({
      data: z.array(
        z.object({
          id: z.string(),
          type: z.enum(EVENT_TYPES),
          sequence: z.int(),
          body: z.string().describe("The very bytes that are signed: pass them on as they are."),
          headers: z
            .record(z.string(), z.string())
            .describe("`webhook-id`, `webhook-timestamp` and `webhook-signature`, as a delivery has them."),
        }),
      ),
      next_after: z.int(),
    })
    .meta({ id: "EventListenAnswer" }),
);

const route = createRoute({
  method: "post",
  path: "/v1/events/listen",
  summary: doc("Wait for the account's events where no webhook can reach, signed as webhooks are"),
  middleware: authorize("events:read"),
  request: { body: { required: true, content: { "application/json": { schema: ListenRequest } } } },
  responses: doc(() => ({
    200: {
      description: "Events in the order of the account. None: the wait was over before one came.",
      content: { "application/json": { schema: Heard } },
    },
    ...problems("validation_failed", "forbidden", "body_too_large", "unsupported_content_type"),
  })),
});

type Request = z.output<typeof ListenRequest>;

export function listenToEvents(app: App, { db, clock }: Pick<Deps, "db" | "clock">): void {
  app.openapi(route, async (c) => {
    const request = c.req.valid("json");
    const signal = AbortSignal.any([c.req.raw.signal, AbortSignal.timeout(request.wait * 1_000)]);
    const { events, nextAfter } = await waitForEvents(db, c.var.principal.accountId, request, signal);
    const timestampSeconds = Math.floor(clock().getTime() / 1_000);
    const data = await Promise.all(events.map((event) => signed(event, request.secret, timestampSeconds)));
    return c.json({ data, next_after: nextAfter }, 200, { "Cache-Control": "no-store" });
  });
}

/** One small question a second: this is for a developer's machine, not for a fleet. */
async function waitForEvents(db: Database, accountId: string, request: Request, signal: AbortSignal) {
  const { types = null } = request;
  let after = request.after ?? (await lastSequence(db, accountId));
  for (;;) {
    const last = await lastSequence(db, accountId);
    const events = last > after ? await eventsAfter(db, accountId, { after, types, limit: MOST }) : [];
    // Those of other types need not be looked through again.
    after = events.at(-1)?.sequence ?? Math.max(after, last);
    if (events.length > 0 || signal.aborted) return { events, nextAfter: after };
    await pause(LOOK_EVERY_MS, signal);
  }
}

async function signed(
  { id, type, sequence, payload: body }: StoredEvent,
  secret: string,
  timestampSeconds: number,
) {
  const headers = await signWebhook({ id, timestampSeconds, body }, [secret]);
  return { id, type, sequence: sequence ?? 0, body, headers };
}
