/**
 * Stands in the Worker's bundle for what zod makes JSON Schema with (core/to-json-schema.js and core/json-schema-processors.js),
 * by an alias of wrangler.jsonc: at the edge nobody asks a schema to describe itself.
 */
const never = () => undefined;

/** Bounds of a schema, for who asks it. @public */
export const aggregateChecks = () => ({});

/** @public */
export {
  never as anyProcessor,
  never as arrayProcessor,
  never as bigintProcessor,
  never as booleanProcessor,
  never as catchProcessor,
  never as createStandardJSONSchemaMethod,
  never as createToJSONSchemaMethod,
  never as customProcessor,
  never as dateProcessor,
  never as defaultProcessor,
  never as enumProcessor,
  never as fileProcessor,
  never as functionProcessor,
  never as intersectionProcessor,
  never as lazyProcessor,
  never as literalProcessor,
  never as mapProcessor,
  never as nanProcessor,
  never as neverProcessor,
  never as nonoptionalProcessor,
  never as nullProcessor,
  never as nullableProcessor,
  never as numberProcessor,
  never as objectProcessor,
  never as optionalProcessor,
  never as pipeProcessor,
  never as prefaultProcessor,
  never as promiseProcessor,
  never as readonlyProcessor,
  never as recordProcessor,
  never as setProcessor,
  never as stringProcessor,
  never as successProcessor,
  never as symbolProcessor,
  never as templateLiteralProcessor,
  never as toJSONSchema,
  never as transformProcessor,
  never as tupleProcessor,
  never as undefinedProcessor,
  never as unionProcessor,
  never as unknownProcessor,
  never as voidProcessor,
};
