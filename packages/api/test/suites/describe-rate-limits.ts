import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf } from "../answer.ts";
import type { FrontDoor, OpenFrontDoor } from "./front-door.ts";

/** As many at once as the issue asks for. */
const AT_ONCE = 200;

/**
 * The account's limit over HTTP, the same for every store.
 * @param limit of `req`, in a minute
 */
export function describeRateLimits(open: OpenFrontDoor, limit: number): void {
  describe("rate limits", () => {
    let door: FrontDoor;
    beforeAll(async () => void (door = await open()));
    afterAll(() => door[Symbol.asyncDispose]());

    test("every answer of an account says what is allowed and what is left", async () => {
      const as = await door.addCaller();
      const first = await door.send("GET", "/v1/me", { as });
      expect(first.headers.get("RateLimit-Policy")).toBe(`"req";q=${limit};w=60`);
      expect(first.headers.get("RateLimit")).toMatch(new RegExp(`^"req";r=${limit - 1};t=(60|59)$`));
      const refused = await door.send("POST", "/v1/jobs", { as, json: {} });
      expect([refused.status, refused.headers.get("RateLimit")]).toEqual([
        400,
        expect.stringMatching(new RegExp(`^"req";r=${limit - 2};t=`)),
      ]);
      expect((await door.send("GET", "/v1/nothing", { as })).headers.get("RateLimit")).toContain('"req";r=');
    });

    test("of many at once exactly as many pass as may, and nobody else pays for it", async () => {
      const [as, other] = [await door.addCaller(), await door.addCaller()];
      const statuses: number[] = [];
      for (let sent = 0; sent < limit + AT_ONCE; sent += AT_ONCE) {
        const answers = Array.from({ length: AT_ONCE }, async () => {
          const answer = await door.send("GET", "/v1/me", { as });
          await answer.text();
          return answer.status;
        });
        statuses.push(...(await Promise.all(answers)));
      }
      expect(new Set(statuses)).toEqual(new Set([200, 429]));
      expect(statuses.filter((status) => status === 200)).toHaveLength(limit);
      const refused = await door.send("GET", "/v1/me", { as });
      expect(refused.status).toBe(429);
      expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThanOrEqual(1);
      expect(Number(refused.headers.get("Retry-After"))).toBeLessThanOrEqual(120);
      expect(refused.headers.get("RateLimit")).toMatch(/^"req";r=0;t=\d+$/);
      expect(await bodyOf(refused)).toMatchObject({ code: "rate_limited", status: 429 });
      expect((await door.send("GET", "/v1/me", { as: other })).status).toBe(200);
    });
  });
}
