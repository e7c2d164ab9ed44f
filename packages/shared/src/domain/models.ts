import * as z from "zod";
import manifest from "./models.json" with { type: "json" };
import { TASKS } from "./tasks.ts";

/** The manifest as it is written: which models there are, where their files come from and what they may be used for. */
export const MODEL_MANIFEST: unknown = manifest;

/** What the world is told of a model. The worker reads the rest of its entry (its inference/manifest.ts). */
const entry = z.object({
  id: z.string(),
  version: z.string(),
  task: z.string(),
  files: z.tuple([file()], file()),
  licence: z.string(),
  licence_url: z.url(),
  licence_note: z.string().optional(),
  requires_acceptance: z.boolean().default(false),
  labels: z.record(z.string(), z.array(z.string())).default({}),
});

function file() {
  return z.object({ name: z.string(), sha256: z.string(), bytes: z.int() });
}

export type PublishedModel = z.output<typeof entry> & {
  /** The tasks of the catalog that it runs for. */
  tasks: string[];
};

/** @throws ZodError that names the field. */
export function publishedModels(json: unknown = MODEL_MANIFEST): PublishedModel[] {
  const { models } = z.object({ models: z.array(entry) }).parse(json);
  return models.map((model) => ({ ...model, tasks: tasksOf(model) }));
}

function tasksOf({ id, task }: z.output<typeof entry>): string[] {
  const named = Object.entries(TASKS).flatMap(([name, { model }]) => (model === id ? [name] : []));
  return [...new Set([task, ...named])];
}
