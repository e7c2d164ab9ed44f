import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { listInvitations, listMembers as list } from "@earshot/shared/db/members";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { requirePlace, writeCursor } from "../list-cursor.ts";
import { PageQuery } from "../page-query.ts";
import { Invitation, invitationBody, Member, memberBody } from "./member-body.ts";

const MOST_INVITATIONS = 100;

const MemberList = doc(() =>
  z
    .object({
      data: z.array(Member),
      has_more: z.boolean(),
      next_cursor: z.string().nullable(),
      invitations: z.array(Invitation).describe("Those that nobody has accepted yet, with the first page."),
    })
    .meta({ id: "MemberList" }),
);

const route = createRoute({
  method: "get",
  path: "/v1/members",
  summary: doc("Who is in the account, and who is invited"),
  middleware: authorize("members:read"),
  request: { query: PageQuery },
  responses: doc(() => ({
    200: { description: "A page.", content: { "application/json": { schema: MemberList } } },
    ...problems("validation_failed", "forbidden"),
  })),
});

export function listMembers(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const { cursor, limit } = c.req.valid("query");
    const { accountId } = c.var.principal;
    const thisList = JSON.stringify(["members", accountId]);
    const after = cursor === undefined ? null : (await requirePlace(cursor, thisList, "user")).id;
    const { members, hasMore } = await list(db, accountId, { after, limit });
    const invitations = after === null ? await listInvitations(db, accountId, MOST_INVITATIONS) : [];
    const last = hasMore ? members.at(-1) : undefined;
    const page = {
      data: members.map(memberBody),
      has_more: hasMore,
      next_cursor:
        last === undefined
          ? null
          : await writeCursor({ id: last.userId, createdAt: last.createdAt }, thisList),
      invitations: invitations.filter(({ email }) => email !== null).map(invitationBody),
    };
    return c.json(page, 200);
  });
}
