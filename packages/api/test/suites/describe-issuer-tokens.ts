import { decodeJwt, decodeProtectedHeader, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf } from "../answer.ts";
import { machineToken } from "../machine-token.ts";
import type { FrontDoor } from "./front-door.ts";

/** A front door that believes the tokens of a provider of machines. */
export interface DoorWithIssuer extends FrontDoor {
  machines: { issuer: string };
}

const JOB = { input: { url: "https://example.com/a.wav" }, tasks: ["audio.features"] };
const NOBODYS_ACCOUNT = "acc_01ARZ3NDEKTSV4RRFFQ69G5FAV";

/** Bearer tokens that another issuer made, the same in every runtime. */
export function describeIssuerTokens(open: () => Promise<DoorWithIssuer>): void {
  describe("tokens of another issuer", () => {
    let door: DoorWithIssuer;
    beforeAll(async () => void (door = await open()));
    afterAll(() => door[Symbol.asyncDispose]());

    const tokenOf = (groups: string, options: { audience?: string; account?: string } = {}) =>
      machineToken(door.machines, groups, { account: door.caller.accountId, ...options });
    const ask = (token: string, method: string, path: string, json?: unknown) =>
      door.send(method, path, { json, as: { accountId: door.caller.accountId, key: token } });
    const statusOf = async (token: string) => (await ask(token, "GET", "/v1/me")).status;

    test("may do in the account that they name what their role may, and no more", async () => {
      const [admin, member] = [await tokenOf("admin"), await tokenOf("member")];
      expect(await bodyOf(await ask(admin, "GET", "/v1/me"))).toMatchObject({
        account_id: door.caller.accountId,
        actor: { kind: "oidc", id: "a-machine" },
        role: "admin",
      });
      const job = await ask(member, "POST", "/v1/jobs", JOB);
      expect(job.status).toBe(202);
      const { id } = await bodyOf<{ id: string }>(job);
      expect((await ask(admin, "GET", `/v1/jobs/${id}`)).status).toBe(200);
      expect((await ask(admin, "GET", "/v1/api-keys")).status).toBe(200);
      expect((await ask(member, "GET", "/v1/api-keys")).status).toBe(403);
      const other = await door.addCaller();
      const elsewhere = await tokenOf("admin", { account: other.accountId });
      expect((await ask(elsewhere, "GET", `/v1/jobs/${id}`)).status).toBe(404);
    });

    test("make no token of ours, which would outlive them", async () => {
      expect((await ask(await tokenOf("admin"), "POST", "/v1/auth/token", {})).status).toBe(403);
    });

    test("open nothing without a role, for another audience, or for an account that isn't there", async () => {
      expect(await statusOf(await tokenOf("admin"))).toBe(200);
      expect(await statusOf(await tokenOf("nobody"))).toBe(401);
      expect(await statusOf(await tokenOf("admin", { audience: "https://elsewhere.test/api" }))).toBe(401);
      expect(await statusOf(await tokenOf("admin", { account: NOBODYS_ACCOUNT }))).toBe(401);
      expect(await statusOf(await tokenOf("admin", { account: "" }))).toBe(401);
    });

    test("that somebody else has signed, or changed, open nothing", async () => {
      const real = await tokenOf("member");
      const { privateKey } = await generateKeyPair("ES256");
      const forged = await new SignJWT(decodeJwt(real))
        .setProtectedHeader({ ...decodeProtectedHeader(real), alg: "ES256" })
        .sign(privateKey);
      const [head, , signature] = real.split(".");
      const promoted = { ...decodeJwt(real), realm: { groups: ["admin"], account: door.caller.accountId } };
      const payload = btoa(JSON.stringify(promoted))
        .replace(/=+$/, "")
        .replaceAll("+", "-")
        .replaceAll("/", "_");
      expect([await statusOf(real), await statusOf(forged)]).toEqual([200, 401]);
      expect(await statusOf(`${head}.${payload}.${signature}`)).toBe(401);
    });
  });
}
