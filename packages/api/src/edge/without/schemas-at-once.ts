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
class Plan {
  readonly #build: () => object;
  #schema: object | undefined;

  constructor(build: () => object) {
    this.#build = build;
  }

  get schema(): object {
    return (this.#schema ??= this.#build());
  }
}

/** What makes another schema of one. */
const STEPS = new Set<PropertyKey>(
  "array,catch,catchall,default,describe,extend,gt,gte,length,lt,lte,max,meta,min,nonnegative,nullable,omit,optional,partial,pick,pipe,positive,refine,regex,strict,superRefine,transform".split(
    ",",
  ),
);
/** What is looked at, to see whether something is a schema, before it is called. */
const READERS = new Set<PropertyKey>(["parse", "safeParse", "parseAsync", "safeParseAsync"]);

const plans = new WeakMap<object, Plan>();

const HANDLER: ProxyHandler<Plan> = {
  get(plan, name) {
    if (STEPS.has(name)) return (...args: unknown[]) => planned(() => call(plan, name, args) as object);
    if (READERS.has(name)) return (...args: unknown[]) => call(plan, name, args);
    return Reflect.get(plan.schema, name);
  },
  has: (plan, name) => Reflect.has(plan.schema, name),
};

function call({ schema }: Plan, name: PropertyKey, args: unknown[]): unknown {
  return Reflect.apply(Reflect.get(schema, name) as () => unknown, schema, args.map(built));
}

function planned(build: () => object): object {
  const plan = new Plan(build);
  const stand = new Proxy(plan, HANDLER);
  plans.set(stand, plan);
  return stand;
}

/** zod itself gets to see real schemas alone: as they are, in lists, and as the fields of an object. */
function built(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const plan = plans.get(value);
  if (plan !== undefined) return plan.schema;
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
export { enumOf as enum };
