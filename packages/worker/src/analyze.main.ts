import { holdHangUps } from "./hold-hang-ups.ts";

// Before everything else is loaded, which takes a second: whoever reloads a worker that has just been started does not end it.
const hangUps = holdHangUps();
const { runWorker } = await import("./run-worker.ts");
await runWorker(process.env, hangUps);
