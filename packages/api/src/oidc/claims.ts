import { idPattern } from "@earshot/shared/crypto/ids";
import { ROLES } from "@earshot/shared/domain/scopes";
import type { Role } from "@earshot/shared/domain/scopes";
import type { IssuerConfig } from "./issuer-config.ts";

type Claims = Readonly<Record<string, unknown>>;

/** Which account somebody belongs to, as the issuer's rules read his claims. Null: none. */
export function accountOf(claims: Claims, { account }: Pick<IssuerConfig, "account">): string | null {
  if (account === undefined) return null;
  if ("id" in account) return account.id;
  const value = claimOf(claims, account.claim);
  return typeof value === "string" && idPattern("account").test(value) ? value : null;
}

/** The highest of the roles that his claims give him. Null: none, and no default. */
export function roleOf(claims: Claims, { role }: Pick<IssuerConfig, "role">): Role | null {
  const held = role.claim === undefined ? [] : textsOf(claimOf(claims, role.claim));
  const mapped = new Set(held.flatMap((name) => (Object.hasOwn(role.map, name) ? [role.map[name]] : [])));
  return ROLES.find((each) => mapped.has(each)) ?? role.default ?? null;
}

/** By its whole name first (names may hold dots, and be URLs), else as a path into objects: `realm_access.roles`. */
function claimOf(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  return name
    .split(".")
    .reduce<unknown>(
      (value, part) => (isRecord(value) && Object.hasOwn(value, part) ? value[part] : undefined),
      claims,
    );
}

function isRecord(value: unknown): value is Claims {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textsOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((each) => typeof each === "string");
}
