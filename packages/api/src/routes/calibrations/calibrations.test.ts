import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, refusalOf, startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest, Caller } from "../../../test/api-under-test.ts";
import { claimAndFinish, succeeded } from "../../../test/worker-stand-in.ts";

interface Calibration {
  id: string;
  model: string;
  model_version: string;
  results: number;
  thresholds: Record<string, Record<"strict" | "regular" | "loose", number>>;
  active: boolean;
}

const JOB = { input: { url: "https://example.com/a.wav" }, tasks: ["music.mood"] };

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

/** A job whose result of music.mood says so much of `happy`, by one version of the model. */
async function judged(as: Caller, happy: number, version = "1"): Promise<string> {
  const { id } = await bodyOf(await api.send("POST", "/v1/jobs", { json: JOB, as }));
  const heads = {
    mood_happy: { happy, non_happy: 1 - happy },
    mood_party: { party: happy / 10, non_party: 1 - happy / 10 },
  };
  const result = { ...succeeded("music.mood", "{}"), model: "m", version, summary: { heads } };
  await claimAndFinish(api.owner.db, id, { results: [result] });
  return id;
}

async function judgeMany(as: Caller, probabilities: readonly number[]): Promise<void> {
  for (const happy of probabilities) await judged(as, happy);
}

const create = (as: Caller) => api.send("POST", "/v1/calibrations", { as });
const use = (as: Caller, id: string, active: boolean) =>
  api.send("PATCH", `/v1/calibrations/${id}`, { json: { active }, as });
const list = async (as: Caller) =>
  (await bodyOf<{ data: Calibration[] }>(await api.send("GET", "/v1/calibrations", { as }))).data;

test("a library's own distribution makes the thresholds, which never fall to where a class is less likely than not", async () => {
  const as = await api.addCaller();
  // 0.00, 0.01, … 1.00: each quantile is its own number.
  await judgeMany(
    as,
    Array.from({ length: 101 }, (_, i) => i / 100),
  );
  // Neither another account's results, nor a deleted job's, nor another version's count.
  await judged(await api.addCaller(), 0.5);
  const deleted = await judged(as, 1);
  await api.send("DELETE", `/v1/jobs/${deleted}`, { as });

  const response = await create(as);
  expect(response.status).toBe(201);
  expect(await bodyOf<Calibration>(response)).toMatchObject({
    model: "m",
    model_version: "1",
    results: 101,
    active: false,
    thresholds: {
      happy: { strict: 0.95, regular: 0.85, loose: 0.7 },
      party: { strict: 0.5, regular: 0.5, loose: 0.5 },
    },
  });

  await judged(as, 0.3, "2");
  expect(await refusalOf(await create(as))).toMatchObject({ status: 409, code: "conflict" });
});

test("too few results make none", async () => {
  const as = await api.addCaller();
  expect(await refusalOf(await create(as))).toMatchObject({ status: 409 });
  await judgeMany(
    as,
    Array.from({ length: 49 }, () => 0.5),
  );
  expect(await refusalOf(await create(as))).toMatchObject({ status: 409 });
  expect(await list(as)).toEqual([]);
});

test("versions stay: one is in use at a time, any earlier one can be again, or none; each step is in the audit log", async () => {
  const [as, other] = [await api.addCaller(), await api.addCaller()];
  await judgeMany(
    as,
    Array.from({ length: 50 }, (_, i) => i / 50),
  );
  const first = await bodyOf<Calibration>(await create(as));
  await judgeMany(as, [0.99, 0.99]);
  const second = await bodyOf<Calibration>(await create(as));
  const inUse = async () => (await list(as)).filter(({ active }) => active).map(({ id }) => id);

  expect((await list(as)).map(({ id }) => id)).toEqual([second.id, first.id]);
  expect(await inUse()).toEqual([]);
  expect(await bodyOf(await use(as, first.id, true))).toEqual({ ...first, active: true });
  await Promise.all([use(as, second.id, true), use(as, second.id, true)]);
  expect(await inUse()).toEqual([second.id]);
  await use(as, first.id, true);
  await use(as, first.id, false);
  expect(await inUse()).toEqual([]);
  expect((await list(as))[1]).toEqual(first);

  expect((await use(other, first.id, true)).status).toBe(404);
  expect(await list(other)).toEqual([]);
  const logged = await api.owner.sql`
    select action, target from audit_log where account_id = ${as.accountId} and action like 'calibration.%'
    order by created_at, id`;
  expect(logged.map(({ action }) => action).slice(0, 3)).toEqual([
    "calibration.create",
    "calibration.create",
    "calibration.activate",
  ]);
  expect(logged.at(-1)).toMatchObject({ action: "calibration.deactivate", target: first.id });
});
