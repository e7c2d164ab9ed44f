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

/** A task whose missing models are among those of another is brought by that one. */
function fewestNames(gaps: readonly TaskGap[]): string[] {
  const idsOf = ({ lacks }: TaskGap) => lacks.map(({ id }) => id);
  const isBroughtBy = (gap: TaskGap, other: TaskGap) =>
    gap !== other &&
    idsOf(gap).length < idsOf(other).length &&
    idsOf(gap).every((id) => idsOf(other).includes(id));
  return gaps.filter((gap) => !gaps.some((other) => isBroughtBy(gap, other))).map(({ task }) => task);
}

function licenceOf({ licence, licence_note: note }: ModelSpec): string {
  return note === undefined ? licence : `${licence} (${note})`;
}

function uniqueBy<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}
