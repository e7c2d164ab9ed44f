import type { Field, Fields } from "./fields.ts";

export type Condition = (fields: Fields) => boolean;

const FORM = /^\s*([\w.]+)\s*(>=|<=|!=|=|>|<)\s*(.+?)\s*$/;

const COMPARE: Readonly<Record<string, (one: number, other: number) => boolean>> = {
  ">=": (one, other) => one >= other,
  "<=": (one, other) => one <= other,
  ">": (one, other) => one > other,
  "<": (one, other) => one < other,
};

/**
 * `tempo_bpm>=120`, `key=A`, `moods=happy` (one of them), `tags.rock>0.3`. A file that lacks the field doesn't fulfil it, `!=` neither.
 * @returns null for what is no condition.
 */
export function parseCondition(text: string): Condition | null {
  const [, name, operator = "", wanted = ""] = FORM.exec(text) ?? [];
  if (name === undefined) return null;
  const compare = COMPARE[operator];
  if (compare !== undefined && !Number.isFinite(Number(wanted))) return null;
  return (fields) => {
    const value = fields[name];
    if (value === undefined) return false;
    if (compare) return typeof value === "number" && compare(value, Number(wanted));
    return isEqual(value, wanted) === (operator === "=");
  };
}

function isEqual(value: Field, wanted: string): boolean {
  if (typeof value === "number") return value === Number(wanted);
  const all = typeof value === "string" ? [value] : value;
  return all.some((word) => word.toLowerCase() === wanted.toLowerCase());
}
