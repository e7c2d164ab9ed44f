import { expect, test } from "vitest";
import { parseAwsCredentials } from "./aws-credentials.ts";

test("credentials are two parts, and one that isn't is not told", () => {
  expect(parseAwsCredentials("AKIDEXAMPLE:wJalr/K7+MDENG")).toEqual({
    accessKeyId: "AKIDEXAMPLE",
    secretAccessKey: "wJalr/K7+MDENG",
  });
  for (const text of ["", "AKIDEXAMPLE", ":hunter2", "AKIDEXAMPLE:", "AKID EXAMPLE:hunter2"]) {
    expect(() => parseAwsCredentials(text)).toThrow(/^credentials are accessKeyId:secretAccessKey$/);
  }
});
