import { test } from "vitest";
import { showIsolation } from "./testing/isolation.ts";

test(
  "of fifty receivers five hang, five cut the connection and five answer 500: the others get all theirs, and none waits for these",
  () => showIsolation(20, 120_000),
  150_000,
);
