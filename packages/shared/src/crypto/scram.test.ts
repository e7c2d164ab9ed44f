import { expect, test } from "vitest";
import { fromBase64 } from "./bytes.ts";
import { scramVerifier } from "./scram.ts";

test("a verifier has the keys of RFC 7677's own example", async () => {
  // Its server signature and client proof follow of these two keys; computed of section 3's user, password and salt.
  const verifier = await scramVerifier("pencil", fromBase64("W22ZaJ0SNY7soEsUEjb6gQ=="));
  expect(verifier).toBe(
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
  );
});

test("the same password has another verifier each time", async () => {
  expect(await scramVerifier("pencil")).not.toBe(await scramVerifier("pencil"));
});
