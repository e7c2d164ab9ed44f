import { newBoxKeyPair, signAssertion } from "@earshot/shared/crypto/box-assertions";
import type { BoxKey, BoxPublicJwk } from "@earshot/shared/crypto/box-assertions";
import type { OpenDatabase } from "@earshot/shared/db/database";
import { until } from "@earshot/testkit/until";
import { generateKeyPair } from "jose/key/generate/keypair";
import { SignJWT } from "jose/jwt/sign";
import { importJWK } from "jose/key/import";
import type { CryptoKey } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf, refusalOf } from "../answer.ts";
import { exchange, newBox, newCode, register, REFUSED, tokenOf } from "../box.ts";
import type { BoxToken } from "../box.ts";
import type { FrontDoor, OpenFrontDoor } from "./front-door.ts";

const AUDIENCE = "https://api.test/v1/boxes/token";

/** Machines that do the work: how they are let in, prove who they are, and are shown out, the same in every runtime. */
export function describeBoxes(open: OpenFrontDoor, openAs: (box: BoxToken) => OpenDatabase): void {
  describe("boxes", () => {
    let door: FrontDoor;
    const opened: OpenDatabase[] = [];
    beforeAll(async () => {
      door = await open();
      await door.owner.sql`update accounts set is_operator = true where id = ${door.caller.accountId}`;
    });
    afterAll(async () => {
      await Promise.all(opened.map(({ close }) => close()));
      await door[Symbol.asyncDispose]();
    });

    /** As the box, over a connection of its own. */
    function login(token: BoxToken): OpenDatabase["sql"] {
      const database = openAs(token);
      opened.push(database);
      return database.sql;
    }

    const loginOf = (box: BoxKey) => `earshot_${box.box_id.toLowerCase()}`;
    const isLoginRefused = { code: expect.stringMatching(/^28/) };

    async function actionsOf(boxId: string): Promise<string[]> {
      const rows = await door.owner.sql`select action from audit_log where target = ${boxId} order by id`;
      return rows.map(({ action }) => String(action));
    }

    describe("a code", () => {
      test("lets one machine in, once", async () => {
        const code = await newCode(door);
        const keys = await Promise.all(Array.from({ length: 8 }, () => newBoxKeyPair()));
        const answers = await Promise.all(keys.map(({ publicJwk }) => register(door, code, publicJwk)));
        expect(answers.map(({ status }) => status).toSorted()).toEqual([201, ...Array(7).fill(401)]);
      });

      test("is kept as a hash, and of no use after a quarter of an hour", async () => {
        const code = await newCode(door);
        const rows = await door.owner.sql<{ row: string }[]>`select e::text as row from box_enrolments e`;
        expect(rows.some(({ row }) => row.includes(code.slice(3)))).toBe(false);
        await door.owner
          .sql`update box_enrolments set expires_at = now() - interval '1 second' where used_at is null`;
        expect(await refusalOf(await register(door, code, (await newBoxKeyPair()).publicJwk))).toEqual(
          REFUSED,
        );
      });

      test("is made by the account that operates the installation, and by no other owner", async () => {
        const as = await door.addCaller();
        const answer = await door.send("POST", "/v1/boxes/enrolments", { as, json: { name: "mine" } });
        expect(await refusalOf(answer)).toMatchObject({ status: 403, code: "forbidden" });
      });

      test.each([
        ["a private key", { kty: "OKP", crv: "Ed25519", x: "A".repeat(43), d: "A".repeat(43) }],
        ["a shared secret", { kty: "oct", k: "A".repeat(43) }],
        ["a point off the curve", { kty: "EC", crv: "P-256", x: "A".repeat(43), y: "B".repeat(43) }],
      ])("is not used up by %s", async (_, key) => {
        const code = await newCode(door);
        expect((await register(door, code, key as BoxPublicJwk)).status).toBe(400);
        expect((await register(door, code, (await newBoxKeyPair()).publicJwk)).status).toBe(201);
      });
    });

    describe("an assertion", () => {
      test("is good once, however many show it at once", async () => {
        const box = await newBox(door);
        const assertion = await signAssertion(box);
        const answers = await Promise.all([1, 2, 3, 4].map(() => exchange(door, assertion)));
        expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401, 401]);
      });

      interface Claims {
        kid?: string;
        iss?: string;
        aud?: string;
        typ?: string;
        iat?: number;
        seconds?: number;
        jti?: string | null;
        key?: CryptoKey;
      }

      const now = () => Math.floor(Date.now() / 1000);

      async function sign(box: BoxKey, claims: Claims): Promise<string> {
        const { iat = now(), seconds = 60, jti = crypto.randomUUID() } = claims;
        const token = new SignJWT({})
          .setProtectedHeader({
            alg: "EdDSA",
            kid: claims.kid ?? box.box_id,
            typ: claims.typ ?? "earshot-box+jwt",
          })
          .setIssuer(claims.iss ?? box.box_id)
          .setAudience(claims.aud ?? AUDIENCE)
          .setIssuedAt(iat)
          .setExpirationTime(iat + seconds);
        if (jti !== null) token.setJti(jti);
        return token.sign(claims.key ?? (await importJWK(box.private_jwk, "EdDSA")));
      }

      test.each<[string, () => Promise<Claims> | Claims]>([
        ["for another service", () => ({ aud: "https://api.test" })],
        ["for another installation", () => ({ aud: "https://other.test/v1/boxes/token" })],
        ["of another type", () => ({ typ: "at+jwt" })],
        ["that is old", () => ({ iat: now() - 120, seconds: 60 })],
        ["that was made to last", () => ({ seconds: 3600 })],
        ["that is old and was made to last", () => ({ iat: now() - 120, seconds: 3600 })],
        ["without an id", () => ({ jti: null })],
        ["by another key", async () => ({ key: (await generateKeyPair("EdDSA")).privateKey })],
        ["in another's name", async () => ({ kid: (await newBox(door)).box_id })],
        [
          "of a box that isn't there",
          () => ({ kid: "box_01ARZ3NDEKTSV4RRFFQ69G5FAV", iss: "box_01ARZ3NDEKTSV4RRFFQ69G5FAV" }),
        ],
      ])("%s buys nothing", async (_, claims) => {
        const box = await newBox(door);
        expect(await refusalOf(await exchange(door, await sign(box, await claims())))).toEqual(REFUSED);
        expect((await exchange(door, await sign(box, {}))).status).toBe(200);
      });
    });

    describe("a box", () => {
      test("gets a login of its own, for an hour, that may do what a worker may and no more", async () => {
        const box = await newBox(door);
        const token = await tokenOf(door, box);
        expect(token.expires_in).toBe(3600);
        const sql = login(token);
        const [who] = await sql`
          select current_user as name, rolvaliduntil - now() as left, rolsuper or rolcreaterole or rolcreatedb or rolbypassrls as mighty,
            rolvaliduntil between now() + interval '59 minutes' and now() + interval '61 minutes' as hour
          from pg_roles where rolname = current_user`;
        expect(who).toMatchObject({ name: loginOf(box), mighty: false, hour: true });
        await sql`select id from jobs limit 1`;
        for (const statement of [
          "select * from api_keys",
          "select * from boxes",
          "select * from audit_log",
          "set role earshot_worker",
          `select revoke_box('${box.box_id}')`,
          `select open_box_login('${box.box_id}', 'x', now())`,
        ])
          await expect(sql.unsafe(statement), statement).rejects.toMatchObject({ code: "42501" });
      });

      test("has one password at a time, which the database never saw", async () => {
        const box = await newBox(door);
        const first = await tokenOf(door, box);
        const second = await tokenOf(door, box);
        const now = login(second);
        expect(await now`select 1 as one`).toEqual([{ one: 1 }]);
        const before = login(first);
        await expect(before`select 1`).rejects.toMatchObject(isLoginRefused);
        const [kept] = await door.owner.sql`
          select rolpassword from pg_authid where rolname = ${loginOf(box)}`;
        expect(String(kept?.["rolpassword"])).toMatch(/^SCRAM-SHA-256\$4096:/);
      });

      test("that is revoked is out at once: its sessions, its privileges, its login and its credentials", async () => {
        const box = await newBox(door);
        const token = await tokenOf(door, box);
        const open = login(token);
        const [session] = await open`select pg_backend_pid() as pid`;
        const answer = await door.send("DELETE", `/v1/boxes/${box.box_id}`);
        expect(answer.status).toBe(204);
        const isGone = async () =>
          (await door.owner.sql`select from pg_stat_activity where pid = ${Number(session?.["pid"])}`)
            .length === 0;
        await until(isGone, { describe: "the session to end" });
        const again = login(token);
        await expect(again`select 1`).rejects.toMatchObject(isLoginRefused);
        const [role] = await door.owner.sql`
          select pg_has_role(${loginOf(box)}, 'earshot_worker', 'usage') as works`;
        expect(role).toEqual({ works: false });
        expect(await refusalOf(await exchange(door, await signAssertion(box)))).toEqual(REFUSED);
        // And once more changes nothing.
        expect((await door.send("DELETE", `/v1/boxes/${box.box_id}`)).status).toBe(204);
        expect(await actionsOf(box.box_id)).toEqual(["box.enrol", "box.token", "box.revoke"]);
        const { data } = await bodyOf<{ data: { id: string; status: string; revoked_at: string | null }[] }>(
          await door.send("GET", "/v1/boxes?limit=100"),
        );
        expect(data.find(({ id }) => id === box.box_id)).toMatchObject({
          status: "revoked",
          revoked_at: expect.any(String),
        });
      });

      test("of another account can't be revoked, and isn't there", async () => {
        const box = await newBox(door);
        const as = await door.addCaller();
        expect((await door.send("DELETE", `/v1/boxes/${box.box_id}`, { as })).status).toBe(404);
        expect((await bodyOf<{ data: [] }>(await door.send("GET", "/v1/boxes", { as }))).data).toEqual([]);
      });
    });
  });
}
