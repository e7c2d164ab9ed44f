import { expect, test } from "vitest";
import { accountOf, roleOf } from "./claims.ts";
import { parseIssuers } from "./issuer-config.ts";

const ISSUER = { issuer: "https://id.example.com" };
const ID = "acc_01ARZ3NDEKTSV4RRFFQ69G5FAV";

function rules(overrides: object) {
  const [config] = parseIssuers(JSON.stringify([{ ...ISSUER, ...overrides }]));
  if (config === undefined) throw new Error("no issuer");
  return config;
}

test("the account is the issuer's own, or what a claim names if that is an id", () => {
  expect(accountOf({}, rules({ account: { id: ID } }))).toBe(ID);
  expect(accountOf({ "https://x.y/acc": ID }, rules({ account: { claim: "https://x.y/acc" } }))).toBe(ID);
  for (const value of ["x", 1, null, [ID], undefined]) {
    expect(accountOf({ acc: value }, rules({ account: { claim: "acc" } }))).toBeNull();
  }
  expect(accountOf({ account: ID }, rules({}))).toBeNull();
});

test("of several mapped roles the highest counts; without one the default, or nothing", () => {
  const role = { claim: "realm_access.roles", map: { a: "viewer", b: "admin" } };
  const held = (roles: unknown) => ({ realm_access: { roles } });
  expect(roleOf(held(["a", "b", "c"]), rules({ role }))).toBe("admin");
  expect(roleOf(held("a"), rules({ role }))).toBe("viewer");
  for (const roles of [[], ["c"], ["constructor"], { b: true }, 1, undefined]) {
    expect(roleOf(held(roles), rules({ role }))).toBeNull();
    expect(roleOf(held(roles), rules({ role: { ...role, default: "viewer" } }))).toBe("viewer");
  }
  expect(roleOf({}, rules({ role: { claim: "__proto__.x", map: { a: "owner" } } }))).toBeNull();
});

test.for([
  ["http elsewhere", { issuer: "http://id.example.com" }],
  ["a slash at the end", { issuer: "https://id.example.com/" }],
  ["a user in the URL", { issuer: "https://a@id.example.com" }],
  ["a symmetric algorithm", { algorithms: ["HS256"] }],
  ["no algorithm", { algorithms: ["none"] }],
  ["the client's id as the audience", { audience: "x", client: { id: "x" } }],
  ["a role that isn't there", { role: { default: "root" } }],
  ["an unknown field", { jwks: [] }],
] as const)("%s is refused in the configuration", ([, overrides]) => {
  expect(() => rules(overrides)).toThrow();
});

test("an issuer is named once", () => {
  expect(() => parseIssuers(JSON.stringify([ISSUER, ISSUER]))).toThrow();
});
