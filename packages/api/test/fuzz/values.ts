import fc from "fast-check";
import type { Random } from "./random.ts";

/** As much of JSON Schema as our documents use. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
}

export type Resolve = (schema: Schema) => Schema;

/** What breaks parsers, stores, logs and terminals. */
export const HOSTILE = [
  "",
  " ",
  "\u0000",
  "a\u0000b",
  "\ud800",
  "\u202e",
  "' or 1=1 --",
  "${jndi:ldap://x}",
  "../../etc/passwd",
  "%00",
  "{{7*7}}",
  "<script>",
  "\r\nX-Injected: 1",
  "🎵".repeat(64),
  "a".repeat(5_000),
  "null",
  "NaN",
  "-0",
  "1e999",
  "__proto__",
  "constructor",
  "2026-02-30T00:00:00Z",
  "+275760-09-13T00:00:00.001Z",
  "9".repeat(40),
] as const;

const HOSTILE_VALUES = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 31,
  2 ** 53,
  -(2 ** 63),
  1e308,
  [],
  {},
  [[[[]]]],
  { __proto__: null },
  ...HOSTILE,
];

/** What no schema says: what a secret of webhooks is, and that nobody here has the patience to wait. */
const UNSAID: Readonly<Record<string, unknown>> = {
  secret: `whsec_${btoa("0123456789".repeat(3))}`,
  wait: 0,
};

const samples = new Map<string, string[]>();

/** Texts that match: made once a pattern, for that is slow. */
function matching(pattern: string): string[] {
  const known =
    samples.get(pattern) ?? fc.sample(fc.stringMatching(new RegExp(pattern)), { seed: 7, numRuns: 8 });
  samples.set(pattern, known);
  return known;
}

/** A value that `schema` allows, as far as a schema can say. */
export function validValue(schema: Schema, random: Random, resolve: Resolve): unknown {
  const { enum: listed, anyOf, oneOf, allOf, ...rest } = resolve(schema);
  if (rest.const !== undefined) return rest.const;
  if (listed) return random.oneOf(listed);
  const choices = anyOf ?? oneOf;
  if (choices) return validValue({ ...rest, ...resolve(random.oneOf(choices)) }, random, resolve);
  if (allOf) return validValue(Object.assign({}, rest, ...allOf.map(resolve)) as Schema, random, resolve);
  const type = Array.isArray(rest.type) ? random.oneOf(rest.type) : rest.type;
  switch (type ?? (rest.properties ? "object" : "string")) {
    case "string":
      return validText(rest, random);
    case "integer":
      return validNumber(rest, random);
    case "number":
      return validNumber(rest, random) + (random.chance(0.5) ? 0 : 0.5);
    case "boolean":
      return random.chance(0.5);
    case "null":
      return null;
    case "array":
      return validArray(rest, random, resolve);
    default:
      return validObject(rest, random, resolve);
  }
}

/** A value like `valid` with one thing wrong, somewhere. */
export function brokenValue(valid: unknown, random: Random): unknown {
  if (Array.isArray(valid) && random.chance(0.8)) return brokenArray(valid, random);
  if (typeof valid === "object" && valid !== null && random.chance(0.9)) return brokenObject(valid, random);
  return random.oneOf(HOSTILE_VALUES);
}

function validText({ format, pattern, minLength = 0, maxLength = 40 }: Schema, random: Random): string {
  if (format === "date-time") return random.oneOf(["2026-01-01T00:00:00Z", "1999-12-31T23:59:59.999+01:00"]);
  if (format === "email") return `${random.oneOf(["a", "b", "c.d+e"])}@example.com`;
  if (format === "uri" || format === "url") return "https://example.com/a.wav";
  if (pattern !== undefined) return random.oneOf(matching(pattern)).slice(0, maxLength);
  const length = Math.max(minLength, Math.min(maxLength, random.oneOf([1, 3, 20, maxLength])));
  const text = random.oneOf(["https://example.com/", "abc", "ünï çødé 音", "0123456789"]);
  return text.repeat(Math.ceil(length / text.length)).slice(0, length);
}

function validNumber({ minimum, maximum, exclusiveMinimum }: Schema, random: Random): number {
  const low = minimum ?? (exclusiveMinimum === undefined ? -5 : exclusiveMinimum + 1);
  const high = Math.min(maximum ?? low + 100, Number.MAX_SAFE_INTEGER);
  return random.oneOf([low, high, low + random.below(Math.min(high - low + 1, 2 ** 31))]);
}

function validArray({ items = {}, minItems = 0, maxItems = 3 }: Schema, random: Random, resolve: Resolve) {
  const length = Math.min(maxItems, minItems + random.below(3));
  return Array.from({ length }, () => validValue(items, random, resolve));
}

function validObject(schema: Schema, random: Random, resolve: Resolve): Record<string, unknown> {
  const { properties = {}, required = [], additionalProperties } = schema;
  const kept = Object.entries(properties).filter(([name]) => required.includes(name) || random.chance(0.4));
  const object = Object.fromEntries(
    kept.map(([name, field]) => [name, UNSAID[name] ?? validValue(field, random, resolve)]),
  );
  if (typeof additionalProperties === "object" && random.chance(0.5)) {
    object[`field_${random.below(9)}`] = validValue(additionalProperties, random, resolve);
  }
  return object;
}

function brokenArray(valid: readonly unknown[], random: Random): unknown {
  if (valid.length === 0 || random.chance(0.3)) return [...valid, random.oneOf(HOSTILE_VALUES)];
  if (random.chance(0.2)) return Array.from({ length: 2_000 }, () => valid[0]);
  const at = random.below(valid.length);
  return valid.map((item, index) => (index === at ? brokenValue(item, random) : item));
}

function brokenObject(valid: object, random: Random): unknown {
  const entries = Object.entries(valid);
  if (entries.length === 0 || random.chance(0.2)) {
    return { ...valid, [random.oneOf(["unknown", ...HOSTILE])]: random.oneOf(HOSTILE_VALUES) };
  }
  const at = random.below(entries.length);
  if (random.chance(0.2)) return Object.fromEntries(entries.filter((_, index) => index !== at));
  return Object.fromEntries(
    entries.map(([name, value], index) => [name, index === at ? brokenValue(value, random) : value]),
  );
}
