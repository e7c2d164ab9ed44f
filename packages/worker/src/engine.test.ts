import { silentLog } from "@earshot/shared/log";
import { expect, test, vi } from "vitest";
import { createEngine } from "./engine.ts";
import type { EngineOptions } from "./engine.ts";

const { signal } = new AbortController();
const HERE: EngineOptions = {
  threads: 1,
  device: "cpu",
  lanes: 1,
  fitnessCheck: "at start",
  modelsDir: undefined,
  searchPath: process.env["PATH"] ?? "",
  log: silentLog,
};

test("an engine that is fit has room for one job more than its lanes, and none once it is defunct", async () => {
  await using engine = await createEngine(HERE);
  expect(engine.slots()).toBe(2);
  expect(engine.observe()).toMatchObject({ device: "cpu", fallbackFrom: null, defunct: null });
  engine.inference.declareDefunct(new Error("it forgets"));
  expect(engine.slots()).toBe(0);
  expect(engine.observe().defunct).toBe("it forgets");
});

test("a device that is not there leaves an engine that takes no work, and is not replaced by itself", async () => {
  await using engine = await createEngine({ ...HERE, device: "cuda" });
  expect(engine.slots()).toBe(0);
  expect(engine.observe()).toMatchObject({ device: "cuda", fallbackFrom: null });
  expect(engine.observe().defunct).toContain("on cuda");
});

test("where the operator allows another device it is taken, and log, figures and results say so", async () => {
  const error = vi.fn();
  await using engine = await createEngine({
    ...HERE,
    device: "cuda:1",
    fallback: "cpu",
    log: { ...silentLog, error },
  });
  expect(engine.observe()).toMatchObject({ device: "cpu", fallbackFrom: "cuda:1", defunct: null });
  expect(await engine.inference.load("silero_vad", signal)).toMatchObject({ device: "cpu" });
  expect(error).toHaveBeenCalledWith(
    "device_fallback",
    expect.objectContaining({ from: "cuda:1", to: "cpu", error: expect.stringContaining("on cuda:1") }),
  );
});
