import * as z from "zod";
import type { BatchLimits } from "./batcher.ts";
import type { RecycleLimits } from "./pool-options.ts";

const PROVIDERS = ["cpu", "cuda", "webgpu"] as const;
export type Provider = (typeof PROVIDERS)[number];

/** Where models run: a provider of onnxruntime's, and of several GPUs which. The choice is the operator's. */
export const deviceName = z.union(
  [z.enum(PROVIDERS), z.templateLiteral(["cuda:", z.string().regex(/^\d{1,2}$/)])],
  "is not cpu, cuda, webgpu, or cuda with a number such as cuda:1",
);
export type Device = z.output<typeof deviceName>;

export function providerOf(device: Device): { provider: Provider; deviceId: number } {
  if (device === "cpu" || device === "webgpu") return { provider: device, deviceId: 0 };
  return { provider: "cuda", deviceId: Number(device.split(":")[1] ?? 0) };
}

export interface DeviceDefaults {
  lanes: number;
  /** Of jobs at once, at least: on a GPU it takes several to fill a batch. */
  slots: number;
  batch: Pick<BatchLimits, "maxRows" | "delayMs" | "isPadded">;
  recycle: RecycleLimits;
}

const GIB = 1024 ** 3;

/** On a CPU a batch gains nothing and two lanes of one thread beat one of two; a GPU wants one lane and full batches. */
export function defaultsFor(device: Device, cores: number): DeviceDefaults {
  if (device === "cpu") {
    return {
      lanes: cores,
      slots: 1,
      batch: { maxRows: 1, delayMs: 0, isPadded: false },
      recycle: { calls: 500_000, rssBytes: 2 * GIB },
    };
  }
  return {
    lanes: 1,
    slots: Math.min(8, cores),
    batch: { maxRows: 32, delayMs: 5, isPadded: true },
    recycle: { calls: 500_000, rssBytes: 8 * GIB },
  };
}

/**
 * What a lane's environment must have beside the worker's choice: where the driver's libraries are, and that float32 means
 * float32 (a GPU's tensor cores would round it to 10 bits of mantissa).
 */
export function laneEnvironment(device: Device, env: Readonly<Record<string, string | undefined>>) {
  if (device === "cpu") return {};
  const passed = ["LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "XDG_RUNTIME_DIR"];
  const given = passed.map((name) => [name, env[name]] as const).filter(([, value]) => value !== undefined);
  return { ...(Object.fromEntries(given) as Record<string, string>), NVIDIA_TF32_OVERRIDE: "0" };
}
