import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf, refusalOf } from "../answer.ts";
import type { FrontDoor, OpenFrontDoor } from "./front-door.ts";

const JOB = { input: { url: "https://example.com/a.wav" }, tasks: ["audio.features"] };
const JSON_TYPE = { "Content-Type": "application/json" };

/** Bodies that must be refused, with status, code and the pointer of the first fault. */
const BAD_BODIES: [string, { body: string; headers?: Record<string, string> }, number, string, string?][] = [
  ["nothing", { body: "" }, 400, "validation_failed"],
  ["no JSON", { body: "{" }, 400, "validation_failed", ""],
  ["an array", { body: "[]" }, 400, "validation_failed", ""],
  ["no input", { body: '{"tasks":["audio.features"]}' }, 400, "validation_failed", "/input"],
  ["an unknown field", { body: JSON.stringify({ ...JOB, x: 1 }) }, 400, "validation_failed"],
  [
    "an unknown task",
    { body: JSON.stringify({ ...JOB, tasks: ["x"] }) },
    400,
    "validation_failed",
    "/tasks/0",
  ],
  [
    "plain http",
    { body: JSON.stringify({ ...JOB, input: { url: "http://example.com/a" } }) },
    400,
    "validation_failed",
    "/input/url",
  ],
  [
    "a control character",
    { body: JSON.stringify({ ...JOB, metadata: { a: "\u0000" } }) },
    400,
    "validation_failed",
    "/metadata/a",
  ],
  ["a lone surrogate", { body: '{"metadata":{"a":"\\ud800"}}' }, 400, "validation_failed", "/metadata/a"],
  [
    "another type",
    { body: "a=1", headers: { "Content-Type": "text/plain" } },
    415,
    "unsupported_content_type",
  ],
  ["a megabyte and more", { body: `"${"a".repeat(1024 ** 2)}"` }, 413, "body_too_large"],
  [
    "an upload that isn't there",
    { body: '{"input":{"upload_id":"upl_01ARZ3NDEKTSV4RRFFQ69G5FAV"},"tasks":["audio.features"]}' },
    404,
    "not_found",
    "/input/upload_id",
  ],
];

/** What is refused, and how it is told, the same in every runtime. */
export function describeRefusals(open: OpenFrontDoor): void {
  describe("refusals", () => {
    let door: FrontDoor;
    beforeAll(async () => void (door = await open()));
    afterAll(() => door[Symbol.asyncDispose]());

    test.for(BAD_BODIES)("a job of %s", async ([, { body, headers = JSON_TYPE }, status, code, pointer]) => {
      const refusal = await refusalOf(await door.send("POST", "/v1/jobs", { body, headers }));
      expect(refusal).toMatchObject({ status, code });
      if (pointer !== undefined) expect(refusal.pointers[0]).toBe(pointer);
    });

    test("a refusal is a problem with the request's id, and shows no cause", async () => {
      const response = await door.send("GET", "/v1/nowhere");
      expect(response.headers.get("Content-Type")).toBe("application/problem+json");
      expect(await bodyOf(response)).toMatchObject({
        status: 404,
        code: "not_found",
        request_id: response.headers.get("X-Request-Id"),
      });
    });

    test("without a key, with a wrong one, or with one that may not: nothing", async () => {
      const powerless = await door.addCaller({ scopes: [] });
      const wrong = { ...door.caller, key: `${door.caller.key.slice(0, -1)}!` };
      const nobody = await door.send("GET", "/v1/me", { headers: { Authorization: null } });
      expect([nobody.status, nobody.headers.get("WWW-Authenticate")]).toEqual([401, "Bearer"]);
      expect((await door.send("GET", "/v1/me", { as: wrong })).status).toBe(401);
      expect((await door.send("POST", "/v1/jobs", { json: JOB, as: powerless })).status).toBe(403);
      expect((await door.send("GET", "/v1/me")).status).toBe(200);
    });

    test("another account's job and upload are as unknown as one that never was", async () => {
      const stranger = await door.addCaller();
      const upload = { filename: "a.wav", content_type: "audio/wav", size: 4 };
      const { id: jobId } = await bodyOf(await door.send("POST", "/v1/jobs", { json: JOB }));
      const { id: uploadId } = await bodyOf(await door.send("POST", "/v1/uploads", { json: upload }));
      const routes: [string, string][] = [
        ["GET", `/v1/jobs/${jobId}`],
        ["GET", `/v1/jobs/${jobId}?wait=5`],
        ["GET", `/v1/jobs/${jobId}/result`],
        ["POST", `/v1/jobs/${jobId}/cancel`],
        ["POST", `/v1/uploads/${uploadId}/complete`],
      ];
      for (const [method, path] of routes) {
        const refusal = await refusalOf(await door.send(method, path, { as: stranger }));
        expect(refusal, path).toEqual({ status: 404, code: "not_found", pointers: [] });
      }
      expect(await bodyOf(await door.send("GET", `/v1/jobs/${jobId}`))).toMatchObject({ status: "queued" });
    });

    test("it is ready when the database is there and migrated, and says what it is made of", async () => {
      expect(await bodyOf(await door.send("GET", "/healthz"))).toEqual({ status: "ready" });
      expect(await bodyOf(await door.send("GET", "/readyz"))).toEqual({
        status: "ready",
        database: "up",
        migrations: "current",
      });
      expect(await bodyOf(await door.send("GET", "/openapi.json"))).toMatchObject({ openapi: "3.1.0" });
      const { data } = await bodyOf<{ data: { id: string }[] }>(await door.send("GET", "/v1/models"));
      expect(data.map(({ id }) => id)).toContain("silero_vad");
    });
  });
}
