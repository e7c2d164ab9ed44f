import { newBoxKeyPair, signAssertion } from "@earshot/shared/crypto/box-assertions";
import type { BoxKey, BoxPublicJwk } from "@earshot/shared/crypto/box-assertions";
import { expect } from "vitest";
import { bodyOf } from "./answer.ts";
import type { FrontDoor } from "./suites/front-door.ts";

/** What a machine does to be let in, asked of any front door whose caller operates the installation. */
type Door = Pick<FrontDoor, "send">;

const OPEN = { headers: { Authorization: null } };
export const REFUSED = { status: 401, code: "unauthorized", pointers: [] };

export async function newCode(door: Door): Promise<string> {
  const answer = await door.send("POST", "/v1/boxes/enrolments", { json: { name: "rack 3" } });
  expect(answer.status).toBe(201);
  return (await bodyOf<{ code: string }>(answer)).code;
}

export function register(door: Door, code: string, publicKey: BoxPublicJwk): Promise<Response> {
  return door.send("POST", "/v1/boxes", { ...OPEN, json: { code, public_key: publicKey } });
}

export async function newBox(door: Door): Promise<BoxKey> {
  const { publicJwk, privateJwk } = await newBoxKeyPair();
  const answer = await register(door, await newCode(door), publicJwk);
  expect(answer.status).toBe(201);
  const { id, audience } = await bodyOf<{ id: string; audience: string }>(answer);
  expect(audience).toBe("https://api.test/v1/boxes/token");
  return { box_id: id, api: "http://api.test", audience, private_jwk: privateJwk };
}

export function exchange(door: Door, assertion: string): Promise<Response> {
  return door.send("POST", "/v1/boxes/token", { ...OPEN, json: { assertion } });
}

export interface BoxToken {
  database: { url: string; password: string };
  expires_in: number;
}

export async function tokenOf(door: Door, box: BoxKey): Promise<BoxToken> {
  const answer = await exchange(door, await signAssertion(box));
  expect(answer.status).toBe(200);
  expect(answer.headers.get("Cache-Control")).toBe("no-store");
  return bodyOf<BoxToken>(answer);
}
