import type { Backlog } from "@earshot/shared/db/queue-figures";
import type { Health } from "@earshot/shared/metrics/health";
import { HEALTH_STATES } from "@earshot/shared/metrics/health";
import * as z from "zod";
import type { Engine } from "./engine.ts";
import { runtimeVersion } from "./inference/runtime-version.ts";
import packageJson from "../package.json" with { type: "json" };
import type { JobsAtWork } from "./jobs-at-work.ts";
import type { ReloadableSettings } from "./reload-settings.ts";

/** What a worker tells of itself to whoever may open its socket (`earshot worker status`). Times are ISO 8601. */
export const workerStatus = z.object({
  worker_id: z.string(),
  pid: z.int(),
  state: z.enum(HEALTH_STATES),
  /** Why it is defunct. */
  reason: z.string().nullable(),
  started_at: z.iso.datetime(),
  versions: z.object({ earshot: z.string(), node: z.string(), onnxruntime: z.string() }),
  device: z.string(),
  /** The device that was asked for, where that is another one. */
  fallback_from: z.string().nullable(),
  /** Jobs that it has room for. */
  slots: z.int(),
  lanes: z.object({
    wanted: z.int(),
    alive: z.int(),
    busy: z.int(),
    /** Batches that wait for one. */
    waiting: z.int(),
    memory_bytes: z.int(),
    model_bytes: z.int(),
    started: z.int(),
    crashed: z.int(),
    killed: z.int(),
    recycled: z.int(),
    not_started: z.int(),
  }),
  /** Those that some lane has loaded, and how many have. */
  models: z.array(z.object({ model: z.string(), lanes: z.int() })),
  jobs: z.array(
    z.object({
      id: z.string(),
      tasks: z.array(z.string()),
      attempt: z.int(),
      stage: z.string(),
      fraction: z.number(),
      seconds: z.number(),
    }),
  ),
  /** Of all workers; null while the database does not answer. */
  queue: z.object({ queued: z.int(), running: z.int(), oldest_seconds: z.number() }).nullable(),
  /** null: there was none. */
  reload: z
    .object({
      at: z.iso.datetime(),
      changed: z.array(z.string()),
      need_restart: z.array(z.string()),
      error: z.string().nullable(),
    })
    .nullable(),
});

export type WorkerStatus = z.output<typeof workerStatus>;

export interface StatusSources {
  workerId: string;
  startedAt: Date;
  health: Health;
  engine: Pick<Engine, "observe" | "slots" | "inference">;
  jobs: JobsAtWork;
  settings: Pick<ReloadableSettings, "lastReload">;
  /** null when it can't be asked. */
  backlog(): Promise<Backlog | null>;
}

export async function describeWorker(sources: StatusSources): Promise<WorkerStatus> {
  const { health, engine, jobs, settings } = sources;
  const backlog = await sources.backlog();
  const { device, fallbackFrom, lanes } = engine.observe();
  const reload = settings.lastReload;
  return {
    worker_id: sources.workerId,
    pid: process.pid,
    state: health.state,
    reason: health.reason,
    started_at: sources.startedAt.toISOString(),
    versions: { earshot: packageJson.version, node: process.versions.node, onnxruntime: runtimeVersion() },
    device,
    fallback_from: fallbackFrom,
    slots: engine.slots(),
    lanes: {
      wanted: lanes.wanted,
      alive: lanes.alive,
      busy: lanes.busy,
      waiting: lanes.waiting,
      memory_bytes: lanes.rssBytes,
      model_bytes: lanes.modelBytes,
      started: lanes.started,
      crashed: lanes.crashed,
      killed: lanes.killed,
      recycled: lanes.recycled,
      not_started: lanes.notStarted,
    },
    models: loadedModels(engine.inference.loaded),
    jobs: jobs.list().map(({ id, tasks, attempt, since, progress }) => ({
      id,
      tasks: [...tasks],
      attempt,
      ...progress,
      seconds: (Date.now() - since.getTime()) / 1_000,
    })),
    queue: backlog && {
      queued: backlog.queued,
      running: backlog.running,
      oldest_seconds: backlog.oldestSeconds,
    },
    reload: reload && {
      at: reload.at.toISOString(),
      changed: [...reload.changed],
      need_restart: [...reload.needRestart],
      error: reload.error,
    },
  };
}

function loadedModels(lanes: readonly (readonly string[])[]): WorkerStatus["models"] {
  const counts = new Map<string, number>();
  for (const model of lanes.flat()) counts.set(model, (counts.get(model) ?? 0) + 1);
  return [...counts]
    .map(([model, count]) => ({ model, lanes: count }))
    .toSorted((a, b) => a.model.localeCompare(b.model));
}
