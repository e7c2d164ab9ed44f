import { TASK_NAMES } from "@earshot/shared/domain/tasks";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bodyOf, startApi } from "../test/api-under-test.ts";
import type { ApiUnderTest } from "../test/api-under-test.ts";
import { seeded } from "../test/fuzz/random.ts";
import { fuzzRequest } from "../test/fuzz/requests.ts";
import type { FuzzRequest, Operation } from "../test/fuzz/requests.ts";
import { HOSTILE } from "../test/fuzz/values.ts";
import type { Resolve, Schema } from "../test/fuzz/values.ts";
import { addPerson } from "../test/person.ts";
import { makeOneOfEach, ROUTES } from "../test/route-table.ts";
import { claimAndFinish } from "../test/worker-stand-in.ts";
import { openApiDocument } from "./openapi-document.ts";
import { scryptPasswords } from "./passwords.node.ts";

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

/** What is said before a request is looked at closely, or of what isn't there. */
const AT_THE_DOOR = [400, 403, 404, 413, 415];
/** They want an id that is confirmed, a code that somebody has approved (its refusals are 400), or voices that a worker has heard. */
const NO_GUESS_GETS_IN = [
  "DELETE /v1/account",
  "POST /v1/auth/device/token",
  "POST /v1/speakers",
  "POST /v1/speakers/{id}/verify",
];

/** Of our own, or of what we are made of. Nothing that is sent here holds any of it. */
const CAUSE =
  /\n\s+at |node_modules|\.ts:\d|\bselect\b.*\bfrom\b|insert into|update .* set |postgres|drizzle|sqlstate|ECONN|violates/i;

const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema(DOCUMENT, "openapi");

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi({
    passwords: scryptPasswords({ N: 2 ** 10, r: 8, p: 1 }),
    // Nobody works here: who waits for a transcription is told at once that it goes on.
    transcriptionWaitSeconds: 0,
  });
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
  await api.owner.sql`update accounts set is_operator = true where id = ${as.accountId}`;
  const person = await addPerson(api.owner.db, as.accountId, "owner", "device");
  const ended = (await bodyOf(await api.send("POST", "/v1/jobs", { json: JOB, as }))).id;
  await claimAndFinish(api.owner.db, ended);
  const busy = (await bodyOf(await api.send("POST", "/v1/jobs", { json: { ...JOB, tasks: TASK_NAMES }, as })))
    .id;
  const made = await makeOneOfEach(api, as);
  return {
    as,
    person,
    ids: [
      ...made,
      ended,
      busy,
      person.sessionId,
      person.userId,
      "job_01ARZ3NDEKTSV4RRFFQ69G5FAV",
      "silero_vad",
    ],
  };
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
    const { as: caller, person, ids } = await newAccount();
    const isPersonal = ROUTES[`${method} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`]?.isPersonal ?? false;
    const as = isPersonal ? { ...caller, key: person.token } : caller;
    const random = seeded(path.length * 1_009 + method.length);
    const pointer = `/paths/${path.replaceAll("~", "~0").replaceAll("/", "~1")}/${method.toLowerCase()}`;
    const faults: { request: FuzzRequest; fault: string }[] = [];
    const statuses = new Set<number>();
    const seenTypes = new Set<string>();
    for (let sent = 0; sent < EACH; sent += AT_ONCE) {
      const batch = Array.from({ length: AT_ONCE }, () =>
        fuzzRequest(method, path, operation, { random, resolve, ids }),
      );
      await Promise.all(
        batch.map(async (request) => {
          const answer = await api.send(method, request.path, { ...request.options, as });
          statuses.add(answer.status);
          seenTypes.add(String(request.options.headers?.["Content-Type"]).split(";")[0] ?? "");
          const fault = await faultOf(answer, operation, pointer);
          if (fault !== null) faults.push({ request, fault });
        }),
      );
    }
    expect(faults.slice(0, 3)).toEqual([]);
    expect([...seenTypes]).toEqual(expect.arrayContaining(Object.keys(operation.requestBody?.content ?? {})));
    // A fuzz that is refused at the door, each time, tries nothing.
    const isOpen = operation.security?.length === 0;
    const isIn = [...statuses].some((status) => !AT_THE_DOOR.includes(status) && (isOpen || status !== 401));
    expect(isIn).toBe(!NO_GUESS_GETS_IN.includes(`${method} ${path}`));
  },
);

const PAGES = [
  "GET /docs",
  "GET /docs/style.css",
  "GET /healthz",
  "GET /openapi.json",
  "GET /readyz",
  "GET /v1/auth/callback",
  "GET /v1/auth/device",
  "GET /v1/auth/login",
  "POST /v1/auth/device/decision",
  "POST /v1/auth/login",
];

test("every route that is not in the document is a page, or is asked by machines that need none", () => {
  const documented = new Set(OPERATIONS.map(({ method, path }) => `${method} ${path}`));
  const routes = api.app.routes.filter(({ method }) => method !== "ALL");
  const names = routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
  const others = [...new Set(names)].filter((name) => !documented.has(name) && !name.includes("/v1/blobs/"));
  expect(others.toSorted()).toEqual(PAGES);
});

const FIELDS = [
  "account_id",
  "code",
  "decision",
  "email",
  "iss",
  "issuer",
  "password",
  "return_to",
  "state",
  "user_code",
];

test.each(PAGES)("40 requests to %s: no fault of ours, no cause shown", async (name) => {
  const [method = "", path = ""] = name.split(" ");
  const { person } = await newAccount();
  const random = seeded(name.length);
  for (let sent = 0; sent < 40; sent += 1) {
    const fields = FIELDS.filter(() => random.chance(0.5)).map((field): [string, string] => [
      field,
      random.oneOf(HOSTILE).toWellFormed(),
    ]);
    const text = new URLSearchParams(fields).toString();
    const answer = await api.send(method, method === "GET" ? `${path}?${text}` : path, {
      ...(method === "POST" && { body: text }),
      headers: {
        Authorization: null,
        Origin: "https://api.test",
        "X-Test-Client-Ip": `192.0.2.${sent}`,
        "Content-Type": method === "POST" ? "application/x-www-form-urlencoded" : null,
        Cookie: random.oneOf([
          `__Host-earshot=${person.token}`,
          `__Host-earshot-flow=${random.below(9)}`,
          "a",
        ]),
      },
    });
    expect(answer.status, text).toBeLessThan(500);
    // The document holds examples of everything, and the page is made of it.
    if (!path.startsWith("/docs") && path !== "/openapi.json")
      expect(await answer.text(), text).not.toMatch(CAUSE);
  }
});
