import { expect, test } from "vitest";
import { until } from "./until.ts";

test("the first truthy answer is given back", async () => {
  let asked = 0;
  expect(await until(() => ++asked === 3 && "third", { describe: "the third question" })).toBe("third");
});

test("a question that throws is asked again", async () => {
  let asked = 0;
  const question = () => {
    if (++asked < 2) throw new Error("not yet");
    return asked;
  };
  expect(await until(question, { describe: "a calm question" })).toBe(2);
});

test("the failure says what was awaited and what was seen last", async () => {
  const failure = until(() => null, { timeoutMs: 20, describe: "the job to end" });
  await expect(failure).rejects.toThrow("Waited 20 ms for: the job to end; the last answer was null");
  const thrown = until(() => Promise.reject(new Error("refused")), { timeoutMs: 20, describe: "the server" });
  await expect(thrown).rejects.toThrow(/the server; it threw refused/);
});
