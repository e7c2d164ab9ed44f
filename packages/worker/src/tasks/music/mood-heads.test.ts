import { expect, test } from "vitest";
import { createRegistry } from "../../inference/registry.ts";
import { MOOD_HEADS, runMoodHeads } from "./mood-heads.ts";
import type { MoodHead } from "./mood-heads.ts";
import { scriptedInference } from "./testing/scripted-inference.ts";

const { signal } = new AbortController();

/** The official metadata of each head. Other taggers have some of these the wrong way round. */
const OFFICIAL: Record<MoodHead, [string, string]> = {
  danceability: ["danceable", "not_danceable"],
  gender: ["female", "male"],
  mood_aggressive: ["aggressive", "not_aggressive"],
  mood_happy: ["happy", "non_happy"],
  mood_party: ["non_party", "party"],
  mood_relaxed: ["non_relaxed", "relaxed"],
  mood_sad: ["non_sad", "sad"],
  tonal_atonal: ["atonal", "tonal"],
  voice_instrumental: ["instrumental", "voice"],
};

test("the manifest has the nine heads with their classes in the official order, and each a positive one", () => {
  const { find, models } = createRegistry();
  const heads = models.filter(({ needs }) => needs === "msd-musicnn-1").map(({ id }) => id);
  expect(heads).toEqual(Object.keys(OFFICIAL).map((head) => `${head}-msd-musicnn-1`));
  for (const [head, classes] of Object.entries(OFFICIAL)) {
    expect(find(`${head}-msd-musicnn-1`).labels, head).toEqual({ activations: classes });
    expect(classes).toContain(MOOD_HEADS[head as MoodHead]);
  }
});

test("a pull of music's weights has a licence to accept, one of speech's has none", () => {
  const toAccept = createRegistry().models.filter((model) => model.requires_acceptance);
  expect(toAccept).toHaveLength(10);
  expect(new Set(toAccept.map(({ licence }) => licence))).toEqual(new Set(["CC-BY-NC-SA-4.0"]));
});

test("hours of patches go to each head in runs of bounded size, and come back in order", async () => {
  const patches = 2_500;
  const sizes = new Map<string, number[]>();
  const inference = scriptedInference(async (model, { embeddings }) => {
    const [count = NaN, width = NaN] = embeddings?.dims ?? [];
    sizes.set(model, [...(sizes.get(model) ?? []), count]);
    expect(embeddings?.data).toHaveLength(count * width);
    // The class scores of a patch are its number, and minus its number.
    const data = Float32Array.from({ length: 2 * count }, (_, i) => {
      const patch = embeddings?.data[Math.floor(i / 2) * width] ?? NaN;
      return i % 2 === 0 ? patch : -patch;
    });
    return { activations: { data, dims: [count, 2] } };
  });
  const features = {
    patches,
    activations: new Float32Array(),
    embeddings: Float32Array.from({ length: patches * 200 }, (_, i) => Math.floor(i / 200)),
  };
  const scores = await runMoodHeads(features, inference, signal);
  expect([...sizes.values()]).toEqual(Array.from({ length: 9 }, () => [1_024, 1_024, 452]));
  for (const [head, { labels, values }] of Object.entries(scores)) {
    expect(labels).toEqual(OFFICIAL[head as MoodHead]);
    expect([...values]).toEqual(Array.from({ length: patches }, (_, patch) => [patch, -patch]).flat());
  }
});
