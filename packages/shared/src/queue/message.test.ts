import { describe, expect, test } from "vitest";
import { parseJobMessage } from "./message.ts";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("a message", () => {
  test("comes back from its text", () => {
    const message = { v: 1, jobId: "job_1", traceparent: TRACEPARENT } as const;
    expect(parseJobMessage(JSON.stringify(message))).toEqual(message);
  });

  test("may come without a trace", () => {
    expect(parseJobMessage('{"v":1,"jobId":"job_1"}')?.traceparent).toBeNull();
    expect(parseJobMessage('{"v":1,"jobId":"job_1","traceparent":null}')?.traceparent).toBeNull();
  });

  test("of the same version with fields that a later sender adds is read without them", () => {
    expect(parseJobMessage('{"v":1,"jobId":"job_1","later":true}')).toEqual({
      v: 1,
      jobId: "job_1",
      traceparent: null,
    });
  });

  test.each([
    undefined,
    "",
    "job_1",
    "{",
    "null",
    "[]",
    "{}",
    '{"jobId":"job_1"}',
    '{"v":2,"jobId":"job_1"}',
    '{"v":"1","jobId":"job_1"}',
    '{"v":1}',
    '{"v":1,"jobId":""}',
    '{"v":1,"jobId":7}',
    `{"v":1,"jobId":"${"j".repeat(65)}"}`,
    `{"v":1,"jobId":"job_1","traceparent":"${"0".repeat(129)}"}`,
  ])("is not %j", (body) => {
    expect(parseJobMessage(body)).toBeNull();
  });
});
