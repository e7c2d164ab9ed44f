import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../../test/api-under-test.ts";
import { claim, claimAndFinish } from "../../../test/worker-stand-in.ts";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

async function submitted(): Promise<string> {
  const json = {
    input: { url: "https://example.com/a.wav" },
    tasks: ["audio.features"],
    webhook: { url: "https://example.com/hook" },
  };
  return (await bodyOf(await api.send("POST", "/v1/jobs", { json }))).id;
}

const cancel = (id: string) => api.send("POST", `/v1/jobs/${id}/cancel`);

test("a queued job is canceled at once, and its webhook will hear of it", async () => {
  const id = await submitted();
  const response = await cancel(id);
  expect(response.status).toBe(200);
  expect(await bodyOf(response)).toMatchObject({ id, status: "canceled", error: { code: "canceled" } });
  const [delivery] = await api.owner.sql`
    select type from deliveries d join events e on e.id = d.event_id where d.job_id = ${id}`;
  expect(delivery?.type).toBe("job.canceled");
});

test("a running job is told so, as often as it is asked", async () => {
  const id = await submitted();
  await claim(api.owner.db, id);
  for (const _ of [1, 2]) {
    const response = await cancel(id);
    expect(response.status).toBe(202);
    expect(await bodyOf(response)).toMatchObject({ status: "canceling" });
  }
});

test("an ended job cannot be canceled", async () => {
  const id = await submitted();
  await claimAndFinish(api.owner.db, id);
  expect(await refusalOf(await cancel(id))).toMatchObject({ status: 409, code: "conflict" });
});
