import { readFileSync } from "node:fs";

/** Audio at 16 kHz whose mels and activations were computed by independent implementations (see golden/). */
export const GOLDEN_NAMES = ["house_124", "sweep_noise"] as const;
export type GoldenName = (typeof GOLDEN_NAMES)[number];

export function goldenSamples(name: GoldenName): Float32Array {
  return name === "house_124" ? readFloats("../golden/house_124.input16k.f32") : sweepNoise();
}

/** Row-major [frames, 96], by essentia.js. */
export function goldenMel(name: GoldenName): Float32Array {
  return readFloats(`../golden/${name}.mel.f32`);
}

/** A sweep of 20 Hz to 8 kHz over faint noise, half a second of digital silence, a second of noise alone, and one click. */
function sweepNoise(): Float32Array {
  let state = 12_345;
  let phase = 0;
  return Float32Array.from({ length: 192_000 }, (_, i) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const noise = state / 2 ** 31 - 1;
    const time = i / 16_000;
    phase += (2 * Math.PI * 20 * 400 ** (time / 12)) / 16_000;
    if (i === 160_000) return 1;
    if (time >= 4 && time < 4.5) return 0;
    return time >= 8 && time < 9 ? 0.3 * noise : 0.5 * Math.sin(phase) + 0.01 * noise;
  });
}

function readFloats(path: string): Float32Array {
  const bytes = readFileSync(new URL(path, import.meta.url));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
