import { doc } from "@earshot/shared/domain/doc";
import * as z from "zod";
import { ROLES } from "@earshot/shared/domain/scopes";
import type { Invitation as InvitationRow, Member as MemberRow } from "@earshot/shared/db/members";

export const Role = z.enum(ROLES);

export const Member = doc(() =>
  z
    .object({
      id: z.string(),
      email: z.string(),
      name: z.string().nullable(),
      role: Role,
      created_at: z.iso.datetime(),
    })
    .meta({ id: "Member" }),
);

export const Invitation = doc(() =>
  z
    .object({ id: z.string(), email: z.string(), role: Role, expires_at: z.iso.datetime() })
    .meta({ id: "Invitation" }),
);

export function memberBody(member: MemberRow): z.output<typeof Member> {
  const { userId: id, email, name, role, createdAt } = member;
  return { id, email, name, role, created_at: createdAt.toISOString() };
}

export function invitationBody(invitation: InvitationRow): z.output<typeof Invitation> {
  const { id, email, role, expiresAt } = invitation;
  return { id, email: email ?? "", role, expires_at: expiresAt.toISOString() };
}
