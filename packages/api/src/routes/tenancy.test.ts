import { isScope, ROLE_SCOPES, ROLES, SCOPES } from "@earshot/shared/domain/scopes";
import type { Scope } from "@earshot/shared/domain/scopes";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf, refusalOf, startApi } from "../../test/api-under-test.ts";
import type { ApiUnderTest, Caller } from "../../test/api-under-test.ts";
import { addPerson } from "../../test/person.ts";
import { makeOneOfEach, pathOf, ROUTES } from "../../test/route-table.ts";
import type { RouteSample } from "../../test/route-table.ts";
import { accountRoutes } from "../account-routes.ts";
import type { AccountRoute } from "../account-routes.ts";
import { openApiDocument } from "../openapi-document.ts";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

const TABLE = Object.entries(ROUTES).map(([name, sample]) => ({ name, sample }));
const CLOSED = TABLE.filter(({ sample }) => !sample.isOpen);
const SCOPED = CLOSED.filter(({ sample }) => !sample.needsNoScope);

function routeOf(name: string): AccountRoute {
  const route = accountRoutes(api.app).find(({ method, path }) => `${method} ${path}` === name);
  if (route === undefined) throw new Error(`the app has no ${name}`);
  return route;
}

function scopeOf(name: string): Scope {
  const { scope } = routeOf(name);
  if (scope === null) throw new Error(`${name} asks for no scope`);
  return scope;
}

/** Calls the route about something of `api.caller`'s; as him where nobody else is named. */
async function call(name: string, sample: RouteSample, as: Caller | null = api.caller): Promise<Response> {
  const { method, path } = routeOf(name);
  const target = await pathOf(api, path, sample);
  const headers = as === null ? { Authorization: null } : {};
  return api.send(method, target, { json: sample.json, headers, ...(as && { as }) });
}

/** Another key of the caller's own account. */
async function keyWith(scopes: string[]): Promise<Caller> {
  const { key } = await bodyOf<{ key: string }>(
    await api.send("POST", "/v1/api-keys", { json: { name: "a test's", scopes } }),
  );
  return { ...api.caller, key };
}

test("the table has every route of the app, and no other (a new route is one line in test/route-table.ts)", () => {
  const routes = accountRoutes(api.app).map(({ method, path }) => `${method} ${path}`);
  expect(Object.keys(ROUTES).toSorted()).toEqual(routes.toSorted());
});

test("no route hides behind `all`: what serves every method is only passed on the way", () => {
  const everyMethod = api.app.routes.filter(({ method }) => method === "ALL").map(({ path }) => path);
  expect(everyMethod.filter((path) => !path.endsWith("*"))).toEqual([]);
});

test.each(SCOPED)("$name asks for one scope, and its contract says so", ({ name }) => {
  const { method, path } = routeOf(name);
  const scope = scopeOf(name);
  expect(isScope(scope)).toBe(true);
  const operation =
    openApiDocument().paths?.[path.replaceAll(/:(\w+)/g, "{$1}")]?.[method.toLowerCase() as "get"];
  expect(operation?.security).toEqual([{ bearer: [scope] }]);
});

test.each(CLOSED)("$name is closed to who shows no credential", async ({ name, sample }) => {
  const answer = await call(name, sample, null);
  expect(answer.headers.get("WWW-Authenticate")).toBe("Bearer");
  expect(await refusalOf(answer)).toEqual({ status: 401, code: "unauthorized", pointers: [] });
});

test.each(CLOSED)("$name refuses a query field that it does not know", async ({ name, sample }) => {
  const { method, path } = routeOf(name);
  const target = await pathOf(api, path, sample);
  const answer = await api.send(method, `${target}?zz=1`, { json: sample.json });
  expect(await refusalOf(answer)).toEqual({
    status: 400,
    code: "validation_failed",
    pointers: ["/query/zz"],
  });
});

test.each(SCOPED)("$name is closed to every scope but its own", async ({ name, sample }) => {
  const needed = scopeOf(name);
  const others = SCOPES.filter(
    (scope) => scope !== needed && !(needed === "uploads:write" && scope === "jobs:write"),
  );
  const refused = await call(name, sample, await keyWith(others));
  expect(await refusalOf(refused)).toEqual({ status: 403, code: "forbidden", pointers: [] });
});

test.each(CLOSED.filter(({ sample }) => !sample.isPersonal))(
  "$name is open to a credential with its scope",
  async ({ name, sample }) => {
    const { scope } = routeOf(name);
    // Nobody gives more than he has: the samples make keys that may read jobs, and members who are viewers.
    const answer = await call(name, sample, await keyWith([scope ?? "jobs:read", ...ROLE_SCOPES.viewer]));
    expect([401, 403, 404, 405]).not.toContain(answer.status);
    expect(answer.status).toBeLessThan(500);
  },
);

describe.each(ROLES)("signed in as %s", (role) => {
  let session: string;
  /** One of its own: an account can't hold what is made for every route and role. */
  let house: ApiUnderTest;
  beforeAll(async () => {
    house = await startApi();
    ({ token: session } = await addPerson(house.owner.db, house.caller.accountId, role));
  });
  afterAll(() => house[Symbol.asyncDispose]());

  test.each(SCOPED)(
    "$name is open or closed as the role says, to the member's own session",
    async ({ name, sample }) => {
      const { method, path } = routeOf(name);
      const headers = {
        Authorization: null,
        Cookie: `__Host-earshot=${session}`,
        "Sec-Fetch-Site": "same-origin",
      };
      const answer = await house.send(method, await pathOf(house, path, sample), {
        json: sample.json,
        headers,
      });
      const mayUse = ROLE_SCOPES[role].includes(scopeOf(name));
      if (mayUse) expect([401, 403, 404, 405]).not.toContain(answer.status);
      else expect(answer.status).toBe(403);
      expect(answer.status).toBeLessThan(500);
    },
  );
});

describe.each(ROLES)("as %s", (role) => {
  test.each(SCOPED)("$name is open or closed as the role says", async ({ name, sample }) => {
    const mayUse = ROLE_SCOPES[role].includes(scopeOf(name));
    const answer = await call(name, sample, await keyWith([...ROLE_SCOPES[role]]));
    if (mayUse) expect(answer.status).not.toBe(403);
    else expect(answer.status).toBe(403);
  });
});

test.each(SCOPED.filter(({ name, sample }) => !name.startsWith("GET ") && !sample.onlyReads))(
  "$name changes something, so a viewer may not",
  async ({ name, sample }) => {
    expect((await call(name, sample, await keyWith([...ROLE_SCOPES.viewer]))).status).toBe(403);
  },
);

/** What an account is there for, and what only reads: the job, the upload or the delivery tells of it. */
const UNAUDITED = [
  "POST /v1/audio/transcriptions",
  "POST /v1/audio/translations",
  "POST /v1/events/:id/redeliver",
  "POST /v1/events/listen",
  "POST /v1/jobs",
  "POST /v1/jobs/:id/cancel",
  "POST /v1/jobs/:id/retry",
  "POST /v1/search/similar",
  "POST /v1/uploads",
  "POST /v1/uploads/:id/complete",
  "POST /v1/webhook-endpoints/:id/recover",
  "POST /v1/webhook-endpoints/:id/test",
];
/** Their samples are refused, or change nothing: suites of their own do them, and look into the log. */
const VAIN_SAMPLES = [
  "DELETE /v1/account",
  "PATCH /v1/members/:id",
  "POST /v1/calibrations",
  "POST /v1/speakers",
  "POST /v1/speakers/:id/verify",
];

test.each(
  SCOPED.filter(({ name }) => !name.startsWith("GET ") && ![...UNAUDITED, ...VAIN_SAMPLES].includes(name)),
)(
  "$name leaves a row in the audit log: who did what, to what, from where, by which request",
  async ({ name, sample }) => {
    const { method, path } = routeOf(name);
    const target = await pathOf(api, path, sample);
    const headers = { "X-Test-Client-Ip": "203.0.113.9" };
    const answer = await api.send(method, target, { json: sample.json, headers });
    expect(answer.status, await answer.text()).toBeLessThan(300);
    const rows = await api.owner.sql`
    select account_id, actor_kind, ip, outcome, coalesce(target, detail ->> 'name') as about from audit_log
    where request_id = ${answer.headers.get("X-Request-Id")} order by id limit 1`;
    expect(rows).toMatchObject([
      {
        account_id: api.caller.accountId,
        actor_kind: "api_key",
        ip: "203.0.113.9",
        outcome: "success",
        about: expect.any(String),
      },
    ]);
  },
);

test.each(TABLE.filter(({ sample }) => sample.of !== undefined))(
  "$name answers 404 to another account, and does nothing",
  async ({ name, sample }) => {
    const { method, path } = routeOf(name);
    const target = await pathOf(api, path, sample);
    const stranger = await api.addCaller();
    // The stranger first: nothing that he does may change what the owner finds.
    const foreign = await refusalOf(await api.send(method, target, { as: stranger, json: sample.json }));
    const own = await api.send(method, target, { json: sample.json });
    expect(own.status, "to its owner").not.toBe(404);
    expect(own.status, "to its owner").not.toBe(410);
    expect(foreign).toEqual({ status: 404, code: "not_found", pointers: [] });
  },
);

test("every route with a name in it is called about somebody's own, or about what is everybody's", () => {
  const named = TABLE.filter(
    ({ name, sample }) => name.includes(":id") && sample.of === undefined && !sample.isPersonal,
  );
  expect(named.map(({ name }) => name)).toEqual(["GET /v1/models/:id"]);
});

test("a list holds the caller's own jobs alone, and his cursor is of no use to another", async () => {
  for (const _ of [1, 2]) await api.send("POST", "/v1/jobs", { json: ROUTES["POST /v1/jobs"]?.json });
  const own = await bodyOf<{ next_cursor: string }>(await api.send("GET", "/v1/jobs?limit=1"));
  const stranger = await api.addCaller();
  const foreign = await bodyOf<{ data: [] }>(await api.send("GET", "/v1/jobs", { as: stranger }));
  expect(foreign.data).toEqual([]);
  const borrowed = await api.send("GET", `/v1/jobs?limit=1&cursor=${own.next_cursor}`, { as: stranger });
  expect(await refusalOf(borrowed)).toMatchObject({ status: 400, pointers: ["/query/cursor"] });
});

describe("a list", () => {
  beforeAll(async () => {
    await makeOneOfEach(api, api.caller);
    await api.send("POST", "/v1/members", { json: { email: "invited@example.com", role: "viewer" } });
  });

  test.each(CLOSED.filter(({ name }) => name.startsWith("GET ") && !name.includes(":")))(
    "$name shows another account nothing of this one",
    async ({ name }) => {
      if (name.includes("/models")) return;
      const stranger = await api.addCaller();
      const shown = await (await api.send("GET", routeOf(name).path, { as: stranger })).text();
      expect(shown).not.toContain(api.caller.accountId);
      for (const [kind, ids] of Object.entries(await idsOf())) {
        for (const id of ids) expect(shown, kind).not.toContain(id);
      }
    },
  );
});

/** All that the caller's account has, of every table that has ids of accounts. */
async function idsOf(): Promise<Record<string, string[]>> {
  const tables = await api.owner.sql<{ name: string }[]>`
    select c.table_name as name from information_schema.columns c
    join information_schema.columns i on i.table_name = c.table_name and i.column_name = 'id' and i.data_type = 'text'
    where c.table_schema = 'public' and c.column_name = 'account_id'`;
  const found: Record<string, string[]> = {};
  for (const { name } of tables) {
    const rows = await api.owner.sql<{ id: string }[]>`
      select id from ${api.owner.sql(name)} where account_id = ${api.caller.accountId}`;
    found[name] = rows.map(({ id }) => id);
  }
  // A member is shown by the id of his user.
  const members = await api.owner.sql<{ id: string }[]>`
    select user_id as id from memberships where account_id = ${api.caller.accountId}`;
  found["members"] = members.map(({ id }) => id);
  for (const kind of ["members", "invitations", "jobs", "boxes"]) expect(found[kind], kind).not.toEqual([]);
  return found;
}
