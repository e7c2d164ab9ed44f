import { parseArgs } from "node:util";
import { startQueue } from "./queue.ts";
import type { RunningQueue } from "./queue.ts";

/** What this process tells its parent once, when it takes requests. */
export type QueueReady = Omit<RunningQueue, "stop">;

// A child of `earshot up`, which says when to end. Ctrl-C reaches the whole group, while workers still drain.
process.on("SIGINT", () => {});
process.on("disconnect", () => process.exit());

const { values } = parseArgs({ options: { port: { type: "string", default: "0" } } });
const { stop, ...ready } = await startQueue({ port: Number(values.port) });
process.once("SIGTERM", () => void stop().finally(() => process.exit()));
process.send?.(ready satisfies QueueReady);
