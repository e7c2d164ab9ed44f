import * as z from "zod";
import { wholeNumber } from "./env.ts";

/** Where a process on Node tells of itself (`/metrics`, `/healthz`, `/readyz`): nowhere unless a port is named; 0 is a free one. */
export const METRICS_SHAPE = {
  METRICS_HOST: z.string().default("127.0.0.1"),
  METRICS_PORT: wholeNumber(0, 65_535).optional(),
};
