import { expect, test } from "vitest";
import { allows, isRole, isScope, ROLE_SCOPES, ROLES, SCOPES } from "./scopes.ts";

test("a role may do all that the roles below it may, and more", () => {
  for (const [index, role] of ROLES.entries()) {
    const below = ROLES[index + 1];
    if (below === undefined) continue;
    expect(ROLE_SCOPES[role]).toEqual(expect.arrayContaining([...ROLE_SCOPES[below]]));
    expect(ROLE_SCOPES[role].length).toBeGreaterThan(ROLE_SCOPES[below].length);
  }
});

test("an owner may do everything, a viewer changes nothing", () => {
  expect(ROLE_SCOPES.owner).toEqual(SCOPES);
  expect(ROLE_SCOPES.viewer.filter((scope) => scope.endsWith(":write"))).toEqual([]);
});

test("members and keys are an admin's matter, the account its owner's", () => {
  for (const scope of ["keys:write", "members:write", "audit:read"] as const) {
    expect(ROLE_SCOPES.member).not.toContain(scope);
    expect(ROLE_SCOPES.admin).toContain(scope);
  }
  expect(ROLE_SCOPES.admin).not.toContain("account:write");
});

test("a scope allows itself, `*` everything, a part of a name nothing", () => {
  expect(allows(["jobs:read"], "jobs:read")).toBe(true);
  expect(allows(["*"], "account:write")).toBe(true);
  expect(allows(["jobs", "jobs:", "jobs:*", "jobs:write"], "jobs:read")).toBe(false);
  expect(allows([], "jobs:read")).toBe(false);
});

test("whoever may submit jobs may upload for them, not the other way round", () => {
  expect(allows(["jobs:write"], "uploads:write")).toBe(true);
  expect(allows(["uploads:write"], "jobs:write")).toBe(false);
});

test("only what is in the lists is a scope or a role", () => {
  expect(["jobs:read", "*", "Jobs:read", ""].map(isScope)).toEqual([true, false, false, false]);
  expect(["owner", "root", ""].map(isRole)).toEqual([true, false, false]);
});
