import { test } from "vitest";
import { showNothingIsLost } from "./testing/kills.ts";

test(
  "a deliverer that is killed 20 times during 2,000 deliveries loses no event, and repeats only what was under way",
  () => showNothingIsLost(2_000, 20, 120_000),
  600_000,
);
