import { registerHooks } from "node:module";

/** Loads the Worker's bundle, the file of the argument, and prints what was built meanwhile: schemas, tables and Intl's objects. */

const built = { schemas: 0, tables: 0, intl: 0 };

const { defineProperty, assign } = Object;
Object.defineProperty = (target, name, ...rest) => {
  if (name === "_zod") built.schemas += 1;
  return defineProperty(target, name, ...rest);
};
Object.assign = (target: object, ...sources: object[]) => {
  if (sources.some((source) => "enableRLS" in source)) built.tables += 1;
  return assign(target, ...sources);
};
globalThis.Intl = new Proxy(Intl, {
  get(intl, name) {
    built.intl += 1;
    return Reflect.get(intl, name);
  },
});

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "cloudflare:workers"
      ? { url: "data:text/javascript,export class DurableObject {}", shortCircuit: true }
      : next(specifier, context),
});
await import(process.argv[2] ?? "");
console.log(JSON.stringify(built));
