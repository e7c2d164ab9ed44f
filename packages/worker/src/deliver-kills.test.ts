import { test } from "vitest";
import { showNothingIsLost } from "./testing/kills.ts";

test(
  "a deliverer that is killed again and again loses no event, and repeats only what was under way",
  () => showNothingIsLost(200, 3, 120_000),
  240_000,
);
