import type { Figure } from "./figure.ts";
import { edge } from "./figures/edge.ts";
import { flatness } from "./figures/flatness.ts";
import { frontend } from "./figures/frontend.ts";
import { isolation } from "./figures/isolation.ts";
import { latency } from "./figures/latency.ts";
import { memory } from "./figures/memory.ts";
import { pipeline, pipelinePublished } from "./figures/pipeline.ts";
import { submit } from "./figures/submit.ts";
import { together } from "./figures/together.ts";

/** All figures of the bench, the longest last. */
export const FIGURES: readonly Figure[] = [
  edge,
  submit,
  latency,
  isolation,
  flatness,
  frontend,
  together,
  pipeline,
  memory,
  pipelinePublished,
];
