import type { RequestOptions } from "../request.ts";
import type { Random } from "./random.ts";
import { brokenValue, HOSTILE, validValue } from "./values.ts";
import type { Resolve, Schema } from "./values.ts";

export interface Operation {
  parameters?: { name: string; in: string; required?: boolean; schema: Schema }[];
  requestBody?: { required?: boolean; content: Record<string, { schema: Schema }> };
  responses: Record<string, { content?: Record<string, { schema?: Schema }> }>;
}

export interface FuzzRequest {
  path: string;
  options: RequestOptions;
}

const TYPES = [
  "text/plain",
  "application/json; charset=utf-16",
  "application/x-www-form-urlencoded",
  "multipart/form-data",
  "multipart/form-data; boundary=x",
  "application/jsonx",
  "",
];

/** A request of the operation, valid as far as the contract can say; or, more often, with something broken in it. */
export function fuzzRequest(
  method: string,
  template: string,
  operation: Operation,
  { random, resolve, ids }: { random: Random; resolve: Resolve; ids: readonly string[] },
): FuzzRequest {
  const parameters = operation.parameters ?? [];
  const valueOf = (schema: Schema) => {
    const valid = validValue(schema, random, resolve);
    return String(random.chance(0.3) ? random.oneOf([...HOSTILE, brokenValue(valid, random)]) : valid);
  };
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const schema = parameters.find((parameter) => parameter.in === "path" && parameter.name === name)?.schema;
    return segment(
      random.chance(0.7) && name === "id" ? random.oneOf(ids) : valueOf(schema ?? { type: "string" }),
    );
  });
  const query = parameters
    .filter((parameter) => parameter.in === "query" && (parameter.required || random.chance(0.4)))
    // It is the contract that is tried, not patience: who asks to wait waits for nothing.
    .map(({ name, schema }) => [
      name,
      name === "wait" ? valueOf(schema).replace(/^\d+$/, "0") : valueOf(schema),
    ]);
  if (random.chance(0.1))
    query.push([random.oneOf(["unknown", "metadata[a]", "limit"]), random.oneOf(HOSTILE)]);
  const headers = parameters
    .filter((parameter) => parameter.in === "header" && random.chance(0.5))
    .map(({ name, schema }) => [name, headerText(valueOf(schema))]);
  const search = query.map((pair) => pair.map((text) => encode(text ?? "")).join("=")).join("&");
  const body = bodyOf(method, operation, random, resolve);
  return {
    path: search === "" ? path : `${path}?${search}`,
    options: { ...body, headers: { ...Object.fromEntries(headers), ...body.headers } },
  };
}

function bodyOf(
  method: string,
  { requestBody }: Operation,
  random: Random,
  resolve: Resolve,
): RequestOptions {
  if (method === "GET") return {};
  return requestBody ? fuzzBody(requestBody, random, resolve) : strayBody(random);
}

function fuzzBody(
  { content }: NonNullable<Operation["requestBody"]>,
  random: Random,
  resolve: Resolve,
): RequestOptions {
  const schema = content["application/json"]?.schema ?? { type: "object" };
  const valid = validValue(schema, random, resolve);
  const value = random.chance(0.35) ? valid : brokenValue(valid, random);
  const text = JSON.stringify(value) ?? "";
  const type = random.chance(0.08) ? random.oneOf(TYPES) : "application/json";
  const headers = { "Content-Type": type === "" ? null : type };
  if (random.chance(0.03)) return { headers };
  if (random.chance(0.06)) return { headers, body: text.slice(0, random.below(text.length + 1)) };
  if (random.chance(0.02)) return { headers, body: Uint8Array.of(0xff, 0xfe, 0x22, 0xc0) };
  return { headers, body: text };
}

/** A body where none is asked for. */
function strayBody(random: Random): RequestOptions {
  if (random.chance(0.9)) return {};
  return {
    body: random.oneOf(["{}", "[", '{"a":1}']),
    headers: { "Content-Type": random.oneOf(["application/json", "text/plain"]) },
  };
}

/** Never empty, `.` or `..`: those would be another path. */
function segment(text: string): string {
  const encoded = encode(text);
  return /^\.{0,2}$/.test(encoded) ? "x" : encoded;
}

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** What a header can carry at all. */
function headerText(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 2_000);
}
