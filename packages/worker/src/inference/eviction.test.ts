import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "@earshot/shared/log";
import { expect, test } from "vitest";
import { writeStandInModels } from "../tasks/music/testing/stand-in-models.ts";
import { createLanes } from "./lanes.ts";

const { signal } = new AbortController();
const HEADS = ["mood_sad", "mood_happy", "mood_party"].map((head) => `${head}-msd-musicnn-1`);

test("models over the budget make room, the one unused for longest first, and come back when they are needed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "earshot-eviction-"));
  const registry = await writeStandInModels(folder);
  const [bytes = 0] = registry.models.filter(({ id }) => id === HEADS[0]).map(({ files }) => files[0].bytes);
  const lanes = await createLanes({
    count: 1,
    threads: 1,
    device: "cpu",
    registry,
    log: silentLog,
    modelBytes: 2 * bytes,
  });
  try {
    const ask = async (head = "") => {
      const data = Float32Array.from({ length: 200 }, (_, i) => i / 200);
      const found = await lanes.run(head, { embeddings: { data, dims: [1, 200] } }, signal);
      return [...(found["activations"]?.data ?? [])];
    };
    const [sad, happy, party] = HEADS;
    const first = await ask(sad);
    await ask(happy);
    await ask(sad);
    await ask(party);
    expect(lanes.loaded).toEqual([[`${sad}@1`, `${party}@1`]]);
    await ask(happy);
    expect(lanes.loaded).toEqual([[`${party}@1`, `${happy}@1`]]);
    expect(await ask(sad)).toEqual(first);
  } finally {
    await lanes.close();
    await rm(folder, { recursive: true });
  }
});
