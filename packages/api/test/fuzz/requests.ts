import { ID_PREFIXES } from "@earshot/shared/crypto/ids";
import { TASK_NAMES } from "@earshot/shared/domain/tasks";
import type { RequestOptions } from "../request.ts";
import type { Random } from "./random.ts";
import { brokenValue, HOSTILE, validValue } from "./values.ts";
import type { Resolve, Schema } from "./values.ts";

export interface Operation {
  parameters?: { name: string; in: string; required?: boolean; schema: Schema }[];
  requestBody?: { required?: boolean; content: Record<string, { schema: Schema }> };
  security?: object[];
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

const FORM_TYPE = "multipart/form-data";
const BOUNDARY = "of-the-fuzz";

/** Beginnings of files: of audio, more often than of something else. */
const FILES = ["RIFF....WAVEfmt ", "OggS\0\u0002", "fLaC", "RIFF....WAVE", "<!doctype html>", "%PDF-1.7", ""];

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
  const path = template.replaceAll(/(?<=(\w[\w-]*)\/)\{(\w+)\}/g, (_, noun: string, name: string) => {
    const declared = parameters.find((parameter) => parameter.in === "path" && parameter.name === name);
    // Any text, says the contract of a task's name.
    const schema = name === "task" ? { enum: [...TASK_NAMES] } : declared?.schema;
    const choices = name === "id" && random.chance(0.8) ? idsOf(noun, ids, random) : [];
    return segment(choices.length > 0 ? random.oneOf(choices) : valueOf(schema ?? { type: "string" }));
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

/** What a path says before an id, and the kind of id that is meant. */
const NOUNS: Readonly<Record<string, keyof typeof ID_PREFIXES>> = {
  "api-keys": "apiKey",
  boxes: "box",
  calibrations: "calibration",
  events: "event",
  jobs: "job",
  members: "user",
  sessions: "session",
  speakers: "speaker",
  uploads: "upload",
  "webhook-endpoints": "endpoint",
};

/** Most often ids of the kind that is meant. */
function idsOf(noun: string, ids: readonly string[], random: Random): readonly string[] {
  const kind = NOUNS[noun];
  if (kind === undefined || random.chance(0.25)) return ids;
  return ids.filter((id) => id.startsWith(`${ID_PREFIXES[kind]}_`));
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
  const [declared, { schema }] = random.oneOf(Object.entries(content));
  const valid = validValue(schema, random, resolve);
  const value = random.chance(0.35) ? valid : brokenValue(valid, random);
  const isForm = declared === FORM_TYPE;
  const text = isForm ? formText(value, resolve(schema), random) : (JSON.stringify(value) ?? "");
  const right = isForm ? `${FORM_TYPE}; boundary=${BOUNDARY}` : declared;
  const type = random.chance(0.08) ? random.oneOf(TYPES) : right;
  const headers = { "Content-Type": type === "" ? null : type };
  if (random.chance(0.03)) return { headers };
  if (random.chance(0.06)) return { headers, body: text.slice(0, random.below(text.length + 1)) };
  if (random.chance(0.02)) return { headers, body: Uint8Array.of(0xff, 0xfe, 0x22, 0xc0) };
  return { headers, body: text };
}

/** As clients send it: bytes as a file, what has fields as JSON, a list as one part for each of it. */
function formText(value: unknown, { properties = {} }: Schema, random: Random): string {
  const fields = typeof value === "object" && value !== null ? Object.entries(value) : [["file", value]];
  const parts = fields.flatMap(([name, field]) =>
    [field].flat().map((one: unknown) => {
      const isFile = properties[String(name)]?.format === "binary";
      const disposition = `form-data; name="${quoted(String(name))}"${isFile ? '; filename="a.wav"' : ""}`;
      const text = isFile && typeof one === "string" ? random.oneOf(FILES) : partText(one);
      return `--${BOUNDARY}\r\nContent-Disposition: ${disposition}\r\n\r\n${text}\r\n`;
    }),
  );
  return `${parts.join("")}--${BOUNDARY}--\r\n`;
}

function partText(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** WHATWG's form encoding of a name. */
function quoted(name: string): string {
  return name.replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
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
