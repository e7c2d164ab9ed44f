import type { ModelSpec } from "@earshot/worker/inference/manifest";
import type { TaskGap } from "@earshot/worker/inference/task-models";

/** One line: which tasks lack weights, under which licence these are, and what to type. null: none lacks any. */
export function pullAdvice(gaps: readonly TaskGap[]): string | null {
  if (gaps.length === 0) return null;
  const tasks = gaps.map(({ task }) => task);
  const specs = uniqueBy(
    gaps.flatMap(({ lacks }) => lacks),
    ({ id }) => id,
  );
  const licences = uniqueBy(specs, ({ licence }) => licence).map(licenceOf);
  const accept = licencesToAccept(specs).map((licence) => ` --accept-licence ${licence}`);
  const command = `npm run -s earshot -- models pull ${fewestNames(gaps).join(" ")}${accept.join("")}`;
  const verb = tasks.length === 1 ? "needs" : "need";
  return `${tasks.join(", ")} ${verb} weights under ${licences.join(" and ")}: ${command}`;
}

/** The licences among them that somebody has to accept, each once. */
export function licencesToAccept(specs: readonly ModelSpec[]): string[] {
  return [...new Set(specs.filter((spec) => spec.requires_acceptance).map(({ licence }) => licence))];
}

/** A task whose models are all that is missing stands for the others. */
function fewestNames(gaps: readonly TaskGap[]): string[] {
  const missing = new Set(gaps.flatMap(({ lacks }) => lacks.map(({ id }) => id)));
  const all = gaps.find(({ lacks }) => lacks.length === missing.size);
  return all === undefined ? gaps.map(({ task }) => task) : [all.task];
}

function licenceOf({ licence, licence_note: note }: ModelSpec): string {
  return note === undefined ? licence : `${licence} (${note})`;
}

function uniqueBy<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}
