import { describe, expect, test } from "vitest";
import { isTaskName, TASK_NAMES, TASKS } from "./tasks.ts";

test("a name is a task's when the catalog has it", () => {
  expect(TASK_NAMES.every(isTaskName)).toBe(true);
  for (const name of ["", "audio", "audio.features ", "Audio.Features", "toString", "__proto__"]) {
    expect(isTaskName(name), name).toBe(false);
  }
});

describe.each(TASK_NAMES)("the options of %s", (name) => {
  const { options } = TASKS[name];

  test("all have a default", () => {
    expect(options.safeParse({}).success).toBe(true);
  });

  test("are refused when nobody knows them", () => {
    expect(options.safeParse({ unheard_of: 1 }).success).toBe(false);
  });
});

test("voice activity has the defaults that the documentation promises", () => {
  expect(TASKS["speech.segments"].options.parse({})).toEqual({
    threshold: 0.5,
    threshold_off: 0.35,
    min_speech_seconds: 0.25,
    min_silence_seconds: 0.1,
    padding_seconds: 0.03,
    probabilities: false,
  });
});

test("voice activity ends 0.15 below the threshold at which it begins, unless it is told otherwise", () => {
  const { options } = TASKS["speech.segments"];
  expect(options.parse({ threshold: 0.3 }).threshold_off).toBeCloseTo(0.15);
  expect(options.parse({ threshold: 0.1 }).threshold_off).toBe(0.01);
  expect(options.parse({ threshold: 0.3, threshold_off: 0.2 }).threshold_off).toBe(0.2);
});

test.each([
  { threshold: 0.3, threshold_off: 0.31 },
  { threshold: 0 },
  { threshold: 1 },
  { threshold: "0.5" },
  { threshold: Number.NaN },
  { min_speech_seconds: -1 },
  { min_silence_seconds: 61 },
  { padding_seconds: Number.POSITIVE_INFINITY },
  { probabilities: "yes" },
])("voice activity refuses %j", (options) => {
  expect(TASKS["speech.segments"].options.safeParse(options).success).toBe(false);
});

test.each([{ silence_threshold_dbfs: 1 }, { silence_threshold_dbfs: -121 }, { silence_min_seconds: -0.1 }])(
  "silences refuse %j",
  (options) => {
    expect(TASKS["audio.features"].options.safeParse(options).success).toBe(false);
  },
);
