import { expect, test } from "vitest";
import { MUSICNN_PATCH, PatchCutter } from "./patches.ts";
import type { PatchShape } from "./patches.ts";

/** EffNet-Discogs reads 2 s of the same frames, every second. */
const EFFNET_PATCH: PatchShape = { frames: 128, hop: 62, bands: 96 };

test.each([
  ["MusiCNN", MUSICNN_PATCH, 876, 8],
  ["MusiCNN", MUSICNN_PATCH, 751, 7],
  ["EffNet", EFFNET_PATCH, 751, 11],
  ["MusiCNN", MUSICNN_PATCH, 186, 0],
  ["MusiCNN", MUSICNN_PATCH, 187, 1],
  ["MusiCNN", MUSICNN_PATCH, 279, 1],
  ["MusiCNN", MUSICNN_PATCH, 280, 2],
])("%s patches (%o) of %d frames are %d", (_name, shape, frames, patches) => {
  expect(cut(shape, frames)).toHaveLength(patches);
});

test("patch n holds the frames from n·hop on, each whole, and is its own to keep", () => {
  const patches = cut({ frames: 3, hop: 2, bands: 2 }, 8);
  expect(patches.map((patch) => [...patch])).toEqual([
    [0, 0.5, 1, 1.5, 2, 2.5],
    [2, 2.5, 3, 3.5, 4, 4.5],
    [4, 4.5, 5, 5.5, 6, 6.5],
  ]);
});

/** Frame i holds i, i + 0.5 and so on. The array is used again, as that of a front end is. */
function cut(shape: PatchShape, frames: number): Float32Array[] {
  const patches: Float32Array[] = [];
  const cutter = new PatchCutter(shape, (patch) => patches.push(patch));
  const frame = new Float32Array(shape.bands);
  for (let i = 0; i < frames; i++) {
    frame.forEach((_, band) => (frame[band] = i + band / 2));
    cutter.push(frame);
  }
  return patches;
}
