import { expect, test, vi } from "vitest";
import type { Inference, Tensors } from "../../inference/inference.ts";
import { seededRandom } from "../../signal/test-signals.ts";
import { MUSICNN_FEATURES, patchTimestamps } from "./musicnn.ts";
import { scriptedInference } from "./testing/scripted-inference.ts";

const { signal } = new AbortController();
const HOP_SAMPLES = 93 * 256;

/** Noise, for patches that differ. */
function noise(patches: number): Float32Array {
  const random = seededRandom(patches);
  return Float32Array.from({ length: 187 * 256 + (patches - 1) * HOP_SAMPLES }, () => random() - 0.5);
}

/** The stand-in answers with the first value of the patch, so that an answer tells whose it is. */
function answerTo({ melspectrogram }: Tensors): Tensors {
  const [first = NaN] = melspectrogram?.data ?? [];
  return {
    activations: { data: new Float32Array(50).fill(first), dims: [1, 50] },
    embeddings: { data: new Float32Array(200).fill(-first), dims: [1, 200] },
  };
}

function start(inference: Inference) {
  return MUSICNN_FEATURES.start({ inference, signal });
}

test("each patch is one run with batch 1, and answers are kept in order, in whatever order they come", async () => {
  const asked: { feeds: Tensors; answer: () => void }[] = [];
  const inference = scriptedInference((_model, feeds, given) => {
    expect(given).toBe(signal);
    const { promise, resolve } = Promise.withResolvers<Tensors>();
    asked.push({ feeds, answer: () => resolve(answerTo(feeds)) });
    return promise;
  });
  const run = start(inference);
  await run.push({ channels: [noise(5)] });
  const finished = run.finish();
  await vi.waitUntil(() => asked.length === 5);
  for (const { answer } of asked.toReversed()) answer();
  const { patches, activations, embeddings } = await finished;
  const firsts = asked.map(({ feeds }) => feeds["melspectrogram"]?.data[0]);
  expect(new Set(firsts).size).toBe(5);
  for (const { feeds } of asked) expect(feeds["melspectrogram"]?.dims).toEqual([1, 187, 96]);
  expect(patches).toBe(5);
  expect(Array.from({ length: 5 }, (_, i) => activations[i * 50 + 49])).toEqual(firsts);
  expect(Array.from({ length: 5 }, (_, i) => -(embeddings[i * 200] ?? NaN))).toEqual(firsts);
});

test("at most eight patches are under way, and more audio waits until one of them is done", async () => {
  const gate = Promise.withResolvers<void>();
  let [open, most] = [0, 0];
  const inference = scriptedInference(async (_model, feeds) => {
    most = Math.max(most, ++open);
    await gate.promise;
    open -= 1;
    return answerTo(feeds);
  });
  const run = start(inference);
  const pushed = vi.fn();
  const pushing = run.push({ channels: [noise(20)] }).then(pushed);
  await vi.waitUntil(() => open === 8);
  expect(pushed).not.toHaveBeenCalled();
  gate.resolve();
  await pushing;
  expect((await run.finish()).patches).toBe(20);
  expect(most).toBe(8);
});

test.each([1, 5, 12])("a run that fails at patch %d fails all, at the latest at the end", async (bad) => {
  let asked = 0;
  const inference = scriptedInference(async (_model, feeds) => {
    asked += 1;
    if (asked === bad) throw new Error("lane lost");
    return answerTo(feeds);
  });
  const run = start(inference);
  const whole = async () => {
    await run.push({ channels: [noise(12)] });
    return run.finish();
  };
  await expect(whole()).rejects.toThrow("lane lost");
});

test("a model that is missing is told at the first samples", async () => {
  const inference = {
    ...scriptedInference(async (_model, feeds) => answerTo(feeds)),
    load: () => Promise.reject(new Error("not here")),
  };
  await expect(start(inference).push({ channels: [new Float32Array(1)] })).rejects.toThrow("not here");
});

test("a graph without the outputs of the manifest is refused", async () => {
  const run = start(scriptedInference(async () => ({})));
  await run.push({ channels: [noise(1)] });
  await expect(run.finish()).rejects.toMatchObject({ code: "internal" });
});

test("a patch begins every 93 hops of 16 ms", () => {
  expect(patchTimestamps(4)).toEqual([0, 1.488, 2.976, 4.464]);
});
