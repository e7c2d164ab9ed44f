import { expect, test } from "vitest";
import { defaultsFor, deviceName, laneEnvironment, providerOf } from "./device.ts";

test.each([
  ["cpu", "cpu", 0],
  ["webgpu", "webgpu", 0],
  ["cuda", "cuda", 0],
  ["cuda:1", "cuda", 1],
] as const)("%s is number %s %i", (name, provider, deviceId) => {
  expect(providerOf(deviceName.parse(name))).toEqual({ provider, deviceId });
});

test.each(["", "gpu", "cpu:1", "cuda:", "cuda:-1", "cuda:1.5", "cuda:100", "CUDA", "cuda,cpu"])(
  "%o is no device",
  (name) => expect(deviceName.safeParse(name).success).toBe(false),
);

test("a CPU has a lane a core and batches of one; a GPU has one lane, and batches of 32 of few sizes", () => {
  expect(defaultsFor("cpu", 4)).toMatchObject({
    lanes: 4,
    batch: { maxRows: 1, delayMs: 0, isPadded: false },
  });
  expect(defaultsFor("cuda:1", 16)).toMatchObject({
    lanes: 1,
    slots: 8,
    batch: { maxRows: 32, delayMs: 5, isPadded: true },
  });
});

test("a lane on a GPU sees where the driver is, computes in float32, and sees nothing else of ours", () => {
  const env = {
    LD_LIBRARY_PATH: "/cuda/lib",
    EARSHOT_DATABASE_URL: "secret",
    CUDA_VISIBLE_DEVICES: undefined,
  };
  expect(laneEnvironment("cuda", env)).toEqual({ LD_LIBRARY_PATH: "/cuda/lib", NVIDIA_TF32_OVERRIDE: "0" });
  expect(laneEnvironment("cpu", env)).toEqual({});
});
