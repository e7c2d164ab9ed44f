import { createTestDatabase } from "@earshot/testkit/database";
import type { TestDatabase } from "@earshot/testkit/database";
import { calculateJwkThumbprint } from "jose";
import type { JWK } from "jose";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { signAccessToken, verifyAccessToken } from "../crypto/access-tokens.ts";
import { newSealKey, parseSealKeys } from "../crypto/seal.ts";
import { toPublicJwk } from "../crypto/signing-keys.ts";
import type { SigningAlgorithm, SigningKey } from "../crypto/signing-keys.ts";
import { openDatabase } from "./database.ts";
import type { OpenDatabase } from "./database.ts";
import {
  findPublishedKey,
  listPublishedKeys,
  PUBLISHED_AHEAD_SECONDS,
  requireSigner,
  revokeSigningKey,
  rotateSigningKey,
} from "./signing-keys.ts";

let database: TestDatabase;
let api: OpenDatabase;
let owner: OpenDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  api = openDatabase({ url: database.urls.api, name: "test api" });
  owner = openDatabase({ url: database.urls.owner, name: "test owner" });
});
beforeEach(async () => void (await owner.sql`delete from signing_keys`));
afterAll(async () => {
  await Promise.all([api.close(), owner.close()]);
  await database.drop();
});

const sealKeys = parseSealKeys(newSealKey("test"));
const ISSUER = "https://api.test";

const signer = () => requireSigner(api.db, sealKeys, "EdDSA");
const rotate = (aheadSeconds = PUBLISHED_AHEAD_SECONDS, algorithm: SigningAlgorithm = "ES256") =>
  api.db.transaction((tx) => rotateSigningKey(tx, sealKeys, { algorithm, aheadSeconds }));
const published = async () => (await listPublishedKeys(api.db)).map(({ kid }) => kid);
/** Lets time pass, by moving what has been into the past. */
const pass = (seconds: number) =>
  owner.sql`update signing_keys set signs_from = signs_from - make_interval(secs => ${seconds})`;

async function tokenBy(key: SigningKey): Promise<string> {
  const now = new Date();
  const token = { id: "tok_x", accountId: "acc_x", scopes: ["jobs:read"], source: "api_key:x" };
  const expiresAt = new Date(now.getTime() + 600_000);
  return signAccessToken({ ...token, expiresAt }, { key, sealKeys, issuer: ISSUER, now });
}

type FindKey = (kid: string) => Promise<SigningKey | null>;
const isGood = async (token: string, findKey: FindKey = (kid) => findPublishedKey(api.db, kid)) =>
  (await verifyAccessToken(token, { issuer: ISSUER, now: new Date(), findKey })) !== null;

test("the first key is made when it is needed, once, however many need it at once", async () => {
  const keys = await Promise.all(Array.from({ length: 8 }, signer));
  expect(new Set(keys.map(({ kid }) => kid)).size).toBe(1);
  expect(await published()).toEqual([keys[0]?.kid]);
});

test("a key is named by its thumbprint; its private half is sealed, and bound to it", async () => {
  const key = await signer();
  expect(key.kid).toBe(await calculateJwkThumbprint(JSON.parse(key.publicJwk) as JWK));
  expect(key.privateJwkSealed).toMatch(/^v1\.test\./);
  // Of the same algorithm: it would be refused by nothing but the binding.
  await rotate(0, "EdDSA");
  await owner.sql`update signing_keys set private_jwk_sealed = ${key.privateJwkSealed}`;
  await expect(tokenBy(await signer())).rejects.toThrow();
});

test("a rotation loses no token: the next key is published before it signs, the last one after", async () => {
  const old = await signer();
  const before = await tokenBy(old);
  const rotation = await rotate();
  const next = rotation.outcome === "rotated" ? rotation.key : old;
  // Published, and not signing yet: whoever cached the set before sees it in time.
  expect((await published()).toSorted()).toEqual([old.kid, next.kid].toSorted());
  expect((await signer()).kid).toBe(old.kid);
  // A server that signs with it already is believed by one that doesn't.
  expect(await isGood(await tokenBy(next))).toBe(true);
  await pass(PUBLISHED_AHEAD_SECONDS);
  expect((await signer()).kid).toBe(next.kid);
  expect([await isGood(before), await isGood(await tokenBy(next))]).toEqual([true, true]);
  // And a server with the set of a while ago believes what is signed now.
  await pass(600);
  expect(await published()).toContain(old.kid);
  await pass(180);
  expect(await published()).toEqual([next.kid]);
  expect(await isGood(await tokenBy(old))).toBe(false);
});

test("a rotation that is under way is not overtaken by another", async () => {
  await signer();
  const outcomes = await Promise.all([1, 2, 3].map(() => rotate()));
  expect(outcomes.map(({ outcome }) => outcome).toSorted()).toEqual(["rotated", "under_way", "under_way"]);
});

test("a revoked key ends with its tokens, and signs no more", async () => {
  const key = await signer();
  const token = await tokenBy(key);
  expect(await revokeSigningKey(api.db, key.kid)).toBe(true);
  expect(await isGood(token)).toBe(false);
  expect((await signer()).kid).not.toBe(key.kid);
  expect(await revokeSigningKey(api.db, key.kid)).toBe(false);
});

test("both algorithms sign and verify, and neither passes for the other", async () => {
  const eddsa = await signer();
  const rotation = await rotate(0);
  const es256 = rotation.outcome === "rotated" ? rotation.key : eddsa;
  for (const key of [eddsa, es256]) expect(await isGood(await tokenBy(key)), key.algorithm).toBe(true);
  expect(await isGood(await tokenBy(es256), async () => eddsa)).toBe(false);
  expect(await isGood(await tokenBy(eddsa), async () => es256)).toBe(false);
  expect([toPublicJwk(eddsa).alg, toPublicJwk(es256).alg]).toEqual(["EdDSA", "ES256"]);
});
