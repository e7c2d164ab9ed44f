/** The part of JSON Schema 2020-12 that the routes' contracts use. */
interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  description?: string;
}

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema?: Schema;
}

interface OpenApi {
  components?: { schemas?: Record<string, Schema> };
  paths?: Record<string, Record<string, { parameters?: Parameter[] }>>;
}

const HEAD = `// Made from packages/api/public/openapi.json by packages/api/src/openapi.main.ts. Do not edit.
`;

/** The shapes of the API as TypeScript: one type for each named schema, and the query of each operation that has one. */
export function typesOf(document: object): string {
  // It was made of zod schemas; what it may hold is above.
  const { components, paths } = document as OpenApi;
  const named = Object.entries(components?.schemas ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, schema]) => `export type ${name} = ${typeOf(schema, "")};\n`);
  return [HEAD, ...named, queriesOf(paths ?? {})].join("\n");
}

function queriesOf(paths: NonNullable<OpenApi["paths"]>): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { parameters = [] }]) => {
      const query = parameters.filter((parameter) => parameter.in === "query");
      return query.length === 0 ? [] : [{ name: `${method.toUpperCase()} ${path}`, schema: objectOf(query) }];
    }),
  );
  const rows = operations.map(({ name, schema }) => `  ${JSON.stringify(name)}: ${typeOf(schema, "  ")};\n`);
  return `export interface Queries {\n${rows.join("")}}\n`;
}

function objectOf(parameters: readonly Parameter[]): Schema {
  const described = ({ description, schema = {} }: Parameter): Schema =>
    description === undefined ? schema : { ...schema, description };
  return {
    type: "object",
    properties: Object.fromEntries(parameters.map((parameter) => [parameter.name, described(parameter)])),
    required: parameters.filter(({ required }) => required).map(({ name }) => name),
    additionalProperties: false,
  };
}

function typeOf(schema: Schema, indent: string): string {
  if (schema.$ref !== undefined) return schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
  if (schema.enum !== undefined) return union(schema.enum.map((value) => JSON.stringify(value)));
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const either = schema.anyOf ?? schema.oneOf;
  if (either !== undefined) return union(either.map((one) => typeOf(one, indent)));
  if (schema.allOf !== undefined) return schema.allOf.map((one) => `(${typeOf(one, indent)})`).join(" & ");
  const types = schema.type === undefined ? [] : [schema.type].flat();
  return types.length === 0 ? "unknown" : union(types.map((type) => simpleTypeOf(type, schema, indent)));
}

function simpleTypeOf(type: string, schema: Schema, indent: string): string {
  if (type === "integer") return "number";
  if (type === "array") return `(${typeOf(schema.items ?? {}, indent)})[]`;
  return type === "object" ? objectTypeOf(schema, indent) : type;
}

function objectTypeOf({ properties, required = [], additionalProperties }: Schema, indent: string): string {
  const values = typeof additionalProperties === "object" ? typeOf(additionalProperties, indent) : "unknown";
  if (properties === undefined) return `{ [key: string]: ${values} }`;
  const inner = `${indent}  `;
  const rows = Object.entries(properties).map(([name, schema]) => {
    const comment = schema.description === undefined ? "" : `${inner}/** ${schema.description} */\n`;
    const type = typeOf(schema, inner);
    // Whoever turns exactOptionalPropertyTypes on may still write undefined: JSON leaves it out.
    const isRequired = required.includes(name);
    return `${comment}${inner}${keyOf(name)}${isRequired ? "" : "?"}: ${type}${isRequired ? "" : " | undefined"};\n`;
  });
  const open =
    additionalProperties === undefined || additionalProperties === false
      ? ""
      : `${inner}[key: string]: unknown;\n`;
  return `{\n${rows.join("")}${open}${indent}}`;
}

function keyOf(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
}

function union(types: readonly string[]): string {
  return [...new Set(types)].join(" | ");
}
