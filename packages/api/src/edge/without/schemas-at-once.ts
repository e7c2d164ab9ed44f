/**
 * Stands in the Worker's bundle for zod, by an alias of wrangler.jsonc: schemas are built when something is parsed with them.
 * Modules make about a thousand while they load, and a request needs a handful: to build them all was half of the start.
 *
 * All of zod is here but the object `z` that holds all of zod: whoever takes that (@hono/zod-openapi does, to hand it on) would
 * keep a parser of JSON Schema and a compiler in the bundle.
 */
import * as zod from "../../../node_modules/zod/v4/classic/external.js";

/** @public */
export * from "../../../node_modules/zod/v4/classic/external.js";

/** @public */
export const z = undefined;

type Make = (...args: never[]) => object;

/** A schema that is not built yet, behind the proxy that everybody takes for it. */
interface Plan {
  build: () => object;
  schema: object | undefined;
}

const schemaOf = (plan: Plan): object => (plan.schema ??= plan.build());

/** What makes another schema of one. */
const STEPS = new Set<PropertyKey>(
  "array,catch,catchall,default,describe,extend,gt,gte,int,length,lt,lte,max,meta,min,nonnegative,nullable,omit,optional,partial,pick,pipe,positive,refine,regex,startsWith,strict,superRefine,transform,trim".split(
    ",",
  ),
);
/** What is looked at, to see whether something is a schema, before it is called. */
const READERS = new Set<PropertyKey>(["parse", "safeParse", "parseAsync", "safeParseAsync"]);

/** A proxy's own plan. A WeakMap of a thousand would be walked by every collection during the start. */
const PLAN = Symbol("plan");

const HANDLER: ProxyHandler<Plan> = {
  get(plan, name) {
    if (name === PLAN) return plan;
    if (STEPS.has(name)) return (...args: unknown[]) => planned(() => call(plan, name, args) as object);
    if (READERS.has(name)) return (...args: unknown[]) => call(plan, name, args);
    return Reflect.get(schemaOf(plan), name);
  },
  has: (plan, name) => Reflect.has(schemaOf(plan), name),
};

function call(plan: Plan, name: PropertyKey, args: unknown[]): unknown {
  const schema = schemaOf(plan);
  return Reflect.apply(Reflect.get(schema, name) as () => unknown, schema, args.map(built));
}

function planned(build: () => object): object {
  return new Proxy<Plan>({ build, schema: undefined }, HANDLER);
}

/** zod itself gets to see real schemas alone: as they are, in lists, and as the fields of an object. */
function built(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const plan = (value as { [PLAN]?: Plan })[PLAN];
  if (plan !== undefined) return schemaOf(plan);
  if (Array.isArray(value)) return value.map(built);
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, built(field)]));
}

/** The same function of zod's, which takes its time. */
function later<Of extends Make>(make: Of): Of {
  const plan = (...args: unknown[]) =>
    planned(() => Reflect.apply(make, undefined, args.map(built)) as object);
  return plan as unknown as Of;
}

/** @public */
export const array = later(zod.array);
/** @public */
export const boolean = later(zod.boolean);
/** @public */
export const date = later(zod.date);
/** @public */
export const email = later(zod.email);
const enumOf = later(zod.enum);
const nullOf = later(zod.null);
/** @public */
export const int = later(zod.int);
/** @public */
export const literal = later(zod.literal);
/** @public */
export const looseObject = later(zod.looseObject);
/** @public */
export const number = later(zod.number);
/** @public */
export const object = later(zod.object);
/** @public */
export const partialRecord = later(zod.partialRecord);
/** @public */
export const record = later(zod.record);
/** @public */
export const strictObject = later(zod.strictObject);
/** @public */
export const string = later(zod.string);
/** @public */
export const tuple = later(zod.tuple);
/** @public */
export const union = later(zod.union);
/** @public */
export const unknown = later(zod.unknown);
/** @public */
export const url = later(zod.url);
/** @public */
export const coerce = { number: later(zod.coerce.number) };
/** @public */
export const iso = { datetime: later(zod.iso.datetime) };
/** @public */
export { enumOf as enum, nullOf as null };
