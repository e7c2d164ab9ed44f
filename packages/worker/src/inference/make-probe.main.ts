/**
 * Prints the probe of each model that is here, for models.json: run it where the answers are known to be right (the goldens
 * pass), on a CPU. Arguments: the folder of the weights.
 */
import { silentLog } from "@earshot/shared/log";
import { probeFeeds, sampled } from "./golden-probe.ts";
import { createLanes } from "./lanes.ts";
import { isInstalled } from "./model-places.ts";
import { createRegistry } from "./registry.ts";

const INPUT = { offset: 0.5, amplitude: 0.5, step: 0.37 };
const DIGITS = 6;

const folders = { modelsDir: process.argv[2] };
const registry = createRegistry(folders);
const lanes = await createLanes({ count: 1, threads: 1, device: "cpu", registry, log: silentLog });
for (const spec of registry.models) {
  if (!(await isInstalled(spec, folders))) continue;
  const feeds = probeFeeds({ ...spec, probe: { ...INPUT, outputs: {}, tolerance: 1 } });
  const found = await lanes.run(spec.id, feeds ?? {}, new AbortController().signal);
  const outputs = Object.fromEntries(
    Object.entries(found).map(([name, { data }]) => [
      name,
      sampled(data).map((value) => Number(value.toPrecision(DIGITS))),
    ]),
  );
  process.stdout.write(`${spec.id} ${JSON.stringify({ ...INPUT, outputs, tolerance: 0.001 })}\n`);
}
await lanes.close();
