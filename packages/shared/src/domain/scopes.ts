/** What a credential may do. Each route of an account names the one that it needs. */
export const SCOPES = [
  "jobs:read",
  "jobs:write",
  "uploads:write",
  "webhooks:read",
  "webhooks:write",
  "events:read",
  "speakers:read",
  "speakers:write",
  "keys:read",
  "keys:write",
  "members:read",
  "members:write",
  "audit:read",
  "boxes:read",
  "boxes:write",
  "account:read",
  "account:write",
] as const;

export type Scope = (typeof SCOPES)[number];

/** Of people in an account, from the one who may do everything down. */
export const ROLES = ["owner", "admin", "member", "viewer"] as const;

export type Role = (typeof ROLES)[number];

const VIEWER = ["jobs:read", "webhooks:read", "events:read", "members:read", "account:read"] as const;
/** Voices are nobody's to compare who only looks on. */
const MEMBER = [
  ...VIEWER,
  "jobs:write",
  "uploads:write",
  "webhooks:write",
  "speakers:read",
  "speakers:write",
] as const;
const ADMIN = [
  ...MEMBER,
  "keys:read",
  "keys:write",
  "members:write",
  "audit:read",
  "boxes:read",
  "boxes:write",
] as const;

/** Each role may do all that the roles below it may. Settings and the end of an account are its owner's alone. */
export const ROLE_SCOPES: Readonly<Record<Role, readonly Scope[]>> = {
  owner: SCOPES,
  admin: ADMIN,
  member: MEMBER,
  viewer: VIEWER,
};

/** On an API key: every scope that there is, or will be. */
export const EVERY_SCOPE = "*";

export function isScope(text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text);
}

export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}

/** Whoever may submit jobs may upload for them. */
const IMPLIED_BY: Partial<Record<Scope, Scope>> = { "uploads:write": "jobs:write" };

/** Whether all of `scopes`, which a key may have, is within `held`. */
export function allowsAll(held: readonly string[], scopes: readonly string[]): boolean {
  return scopes.every((scope) => {
    if (scope === EVERY_SCOPE) return SCOPES.every((each) => allows(held, each));
    return isScope(scope) && allows(held, scope);
  });
}

/** Whether a credential with the scopes `held` may do what asks for `needed`. */
export function allows(held: readonly string[], needed: Scope): boolean {
  const broader = IMPLIED_BY[needed];
  return [needed, EVERY_SCOPE, ...(broader ? [broader] : [])].some((scope) => held.includes(scope));
}
