import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, startApi } from "../test/api-under-test.ts";
import type { ApiUnderTest } from "../test/api-under-test.ts";
import { seeded } from "../test/fuzz/random.ts";
import { fuzzRequest } from "../test/fuzz/requests.ts";
import type { FuzzRequest, Operation } from "../test/fuzz/requests.ts";
import type { Resolve, Schema } from "../test/fuzz/values.ts";
import { makeOneOfEach } from "../test/route-table.ts";
import { claimAndFinish } from "../test/worker-stand-in.ts";
import { openApiDocument } from "./openapi-document.ts";

// As readers of the document get it.
const DOCUMENT = JSON.parse(JSON.stringify(openApiDocument())) as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};
const OPERATIONS = Object.entries(DOCUMENT.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
);
const REQUESTS = 5_200;
const EACH = Math.ceil(REQUESTS / OPERATIONS.length);
const AT_ONCE = 8;

/** Of our own, or of what we are made of. Nothing that is sent here holds any of it. */
const CAUSE =
  /\n\s+at |node_modules|\.ts:\d|\bselect\b.*\bfrom\b|insert into|update .* set |postgres|drizzle|sqlstate|ECONN|violates/i;

const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema(DOCUMENT, "openapi");

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const resolve: Resolve = (schema) => {
  const name = schema.$ref?.split("/").at(-1);
  return name === undefined ? schema : resolve(DOCUMENT.components.schemas[name] ?? {});
};

const JOB = { input: { url: "https://example.com/a.wav" }, tasks: ["audio.features"] };

/** An account of its own with something in every state; and ids that are nobody's. */
async function newAccount() {
  const as = await api.addCaller();
  const ended = (await bodyOf(await api.send("POST", "/v1/jobs", { json: JOB, as }))).id;
  await claimAndFinish(api.owner.db, ended);
  const made = [await makeOneOfEach(api, as), await makeOneOfEach(api, as)].flat();
  return { as, ids: [...made, ended, "job_01ARZ3NDEKTSV4RRFFQ69G5FAV", "silero_vad"] };
}

/** What is wrong with an answer by the contract; null when nothing is. */
async function faultOf(answer: Response, operation: Operation, pointer: string): Promise<string | null> {
  const documented = operation.responses[String(answer.status)];
  const type = answer.headers.get("Content-Type")?.split(";")[0] ?? "";
  if (type === "text/event-stream") await answer.body?.cancel();
  const text = type === "text/event-stream" ? "" : await answer.text();
  if (answer.status >= 500) return `a fault of ours: ${text}`;
  if (documented === undefined) return `the status ${answer.status} is not documented: ${text}`;
  if (CAUSE.test(text)) return `it shows a cause: ${text}`;
  if (text === "" || !type.endsWith("json")) return null;
  const content = documented.content ?? {};
  if (!(type in content)) return `the type ${type} is not documented for ${answer.status}`;
  const escaped = type.replaceAll("/", "~1");
  const validate = ajv.getSchema(`openapi#${pointer}/responses/${answer.status}/content/${escaped}/schema`);
  if (validate === undefined) return `the body of ${answer.status} has no schema`;
  const values = type === "application/x-ndjson" ? text.trim().split("\n") : [text];
  const wrong = values.find((value) => !validate(JSON.parse(value)));
  return wrong === undefined ? null : `${ajv.errorsText(validate.errors)}: ${wrong}`;
}

test.each(OPERATIONS)(
  `${EACH} requests to $method $path: no fault of ours, no answer outside its contract, no cause shown`,
  { timeout: 600_000 },
  async ({ method, path, operation }) => {
    const { as, ids } = await newAccount();
    const random = seeded(path.length * 1_009 + method.length);
    const pointer = `/paths/${path.replaceAll("~", "~0").replaceAll("/", "~1")}/${method.toLowerCase()}`;
    const faults: { request: FuzzRequest; fault: string }[] = [];
    const statuses = new Set<number>();
    for (let sent = 0; sent < EACH; sent += AT_ONCE) {
      const batch = Array.from({ length: AT_ONCE }, () =>
        fuzzRequest(method, path, operation, { random, resolve, ids }),
      );
      await Promise.all(
        batch.map(async (request) => {
          const answer = await api.send(method, request.path, { ...request.options, as });
          statuses.add(answer.status);
          const fault = await faultOf(answer, operation, pointer);
          if (fault !== null) faults.push({ request, fault });
        }),
      );
    }
    expect(faults.slice(0, 3)).toEqual([]);
    // A fuzz that is refused at the door, each time, tries nothing. To delete an account its id must be confirmed: no guess does.
    if (method === "DELETE" && path === "/v1/account") return;
    expect([...statuses].some((status) => status !== 400 && status !== 401)).toBe(true);
  },
);
