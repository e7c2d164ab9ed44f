import { test } from "vitest";
import { showIsolation } from "./testing/isolation.ts";

test(
  "ten thousand deliveries over fifty receivers, of which fifteen are sick: the others get all theirs, and none waits for these",
  () => showIsolation(200, 300_000),
  330_000,
);
