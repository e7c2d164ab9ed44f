import { env } from "cloudflare:workers";
import { until } from "@earshot/testkit/until";
import { beforeAll, describe, expect, inject, test, vi } from "vitest";
import { bodyOf } from "../test/answer.ts";
import { readEvents } from "../test/read-events.ts";
import { openAtEdge } from "../test/edge/open-at-edge.ts";
import { openAsBox } from "../test/open-as-box.ts";
import { describeAccount } from "../test/suites/describe-account.ts";
import { describeApiKeys } from "../test/suites/describe-api-keys.ts";
import { describeBoxes } from "../test/suites/describe-boxes.ts";
import { describeEvents } from "../test/suites/describe-events.ts";
import { describeDeviceLogin } from "../test/suites/describe-device-login.ts";
import { describeIssuerTokens } from "../test/suites/describe-issuer-tokens.ts";
import { describeJobs } from "../test/suites/describe-jobs.ts";
import { describeListing } from "../test/suites/describe-listing.ts";
import { describeRateLimits } from "../test/suites/describe-rate-limits.ts";
import { describeRefusals } from "../test/suites/describe-refusals.ts";
import { describeSessions } from "../test/suites/describe-sessions.ts";
import { describeSignIn } from "../test/suites/describe-sign-in.ts";
import { describeTokens } from "../test/suites/describe-tokens.ts";
import { describeSealedResults } from "../test/suites/describe-sealed-results.ts";
import { describeSdk } from "../test/suites/describe-sdk.ts";
import { describeUploads } from "../test/suites/describe-uploads.ts";
import { describeWebhooks } from "../test/suites/describe-webhooks.ts";
import type { FrontDoor } from "../test/suites/front-door.ts";
import { connectedSocket, openEdgeDatabase } from "./edge/edge-database.ts";
import type { EdgeEnv } from "./edge/edge-env.ts";
import worker from "./entry.workers.ts";

// The Worker runs in this isolate and logs every request.
beforeAll(() => void vi.spyOn(console, "log").mockImplementation(() => {}));

describeAccount(openAtEdge);
describeApiKeys(openAtEdge);
describeBoxes(openAtEdge, (box) => openAsBox(box, { carrier: connectedSocket }));
describeDeviceLogin(openAtEdge);
describeJobs(openAtEdge);
describeEvents(openAtEdge);
describeListing(openAtEdge);
// What an account may ask in a minute where nothing is configured.
describeRateLimits(openAtEdge, 600);
describeRefusals(openAtEdge);
describeSessions(openAtEdge);
describeSignIn(openAtEdge);
describeTokens(openAtEdge);
describeIssuerTokens(openAtEdge);
describeSealedResults(openAtEdge);
describeSdk(openAtEdge);
describeUploads(openAtEdge);
describeWebhooks(openAtEdge);

describe("the Worker", () => {
  let door: FrontDoor;
  beforeAll(async () => void (door = await openAtEdge()));

  /** Connections of the Worker that Postgres holds. */
  async function connections(): Promise<number> {
    const [row] = await door.owner.sql<{ count: number }[]>`
      select count(*)::int as count from pg_stat_activity where usename = 'earshot_api'`;
    return row?.count ?? 0;
  }

  interface Job {
    id: string;
    status: string;
    metadata: { n: string };
  }

  test("an address that asks far too much is refused by the shield, before anything else and with every header", async () => {
    const asked: string[] = [];
    const SHIELD = { limit: async ({ key }: { key: string }) => ({ success: asked.push(key) === 0 }) };
    const context = { waitUntil() {}, passThroughOnException() {}, props: {} };
    const request = new Request("https://api.test/healthz", {
      headers: { "CF-Connecting-IP": "192.0.2.77" },
    });
    const refused = await worker.fetch(request, { ...env, SHIELD } as unknown as EdgeEnv, context);
    expect([refused.status, asked]).toEqual([429, ["192.0.2.77"]]);
    expect(await refused.json()).toMatchObject({ code: "rate_limited" });
    expect(refused.headers.get("Strict-Transport-Security")).not.toBeNull();
    expect(refused.headers.get("X-Content-Type-Options")).toBe("nosniff");
  });

  test("200 requests at once are each answered right, and leave no connection behind", async () => {
    const numbers = Array.from({ length: 200 }, (_, n) => String(n));
    const jobs = await Promise.all(
      numbers.map(async (n) => {
        const json = {
          input: { url: "https://example.com/a.wav" },
          tasks: ["audio.features"],
          metadata: { n },
        };
        const response = await door.send("POST", "/v1/jobs", { json });
        expect(response.status).toBe(202);
        return bodyOf<Job>(response);
      }),
    );
    expect(jobs.map(({ metadata }) => metadata.n)).toEqual(numbers);
    const seen = await Promise.all(
      jobs.map(async ({ id }) => bodyOf<Job>(await door.send("GET", `/v1/jobs/${id}`))),
    );
    expect(seen).toEqual(jobs);
    await until(async () => (await connections()) === 0, { describe: "no connection of the Worker" });
  });

  test("the socket that the Worker opens proves a login's password by SCRAM, and no other one is let in", async () => {
    const [login, password] = [`scram_${crypto.randomUUID().replaceAll("-", "")}`, crypto.randomUUID()];
    await door.owner.sql.unsafe(`create role ${login} login password '${password}'`);
    const asked = (shown: string) => {
      const url = new URL(inject("edge").ownerUrl);
      [url.username, url.password] = [login, shown];
      const HYPERDRIVE = { connectionString: url.href } as EdgeEnv["HYPERDRIVE"];
      return openEdgeDatabase({ HYPERDRIVE }).execute("select current_user as name");
    };
    try {
      expect([...(await asked(password))]).toEqual([{ name: login }]);
      await expect(asked("another")).rejects.toMatchObject({ cause: { code: "28P01" } });
    } finally {
      await door.owner.sql.unsafe(`drop role ${login}`);
    }
  });

  test("a file of more than 64 MiB is taken in parts", async () => {
    const json = { filename: "a.wav", content_type: "audio/wav", size: 65 * 1024 ** 2 };
    const announced = await bodyOf<{ put_url?: string; parts: { size: number; put_url: string }[] }>(
      await door.send("POST", "/v1/uploads", { json }),
    );
    expect(announced.put_url).toBeUndefined();
    expect(announced.parts.map(({ size }) => size)).toEqual([64 * 1024 ** 2, 1024 ** 2]);
    const [, last] = announced.parts;
    const body = new Uint8Array(last?.size ?? 0);
    expect((await door.put(last?.put_url ?? "", { body })).status).toBe(200);
    expect((await door.put(last?.put_url ?? "", { body: body.slice(1) })).status).toBe(403);
  });

  test("however many wait for the jobs of an account, the database is asked by one connection", async () => {
    const json = { input: { url: "https://example.com/a.wav" }, tasks: ["audio.features"] };
    const { id } = await bodyOf(await door.send("POST", "/v1/jobs", { json }));
    const waiting = Array.from({ length: 15 }, () => door.send("GET", `/v1/jobs/${id}?wait=30`));
    await until(async () => (await connections()) >= 15, { describe: "they have come" });
    await until(async () => (await connections()) === 1, { describe: "the connection of the room alone" });
    await door.send("POST", `/v1/jobs/${id}/cancel`);
    const answers = await Promise.all(waiting.map(async (answer) => bodyOf<Job>(await answer)));
    expect(answers.every(({ status }) => status === "canceled")).toBe(true);
    await until(async () => (await connections()) === 0, { describe: "an empty room leaves its connection" });
  });

  test("who listens and goes away is let go, while the job goes on", async () => {
    const json = { input: { url: "https://example.com/a.wav" }, tasks: ["audio.features"] };
    const { id } = await bodyOf(await door.send("POST", "/v1/jobs", { json }));
    const streams = await Promise.all(
      Array.from({ length: 5 }, () => door.send("GET", `/v1/jobs/${id}/events`)),
    );
    for (const stream of streams) {
      const events = readEvents(stream);
      expect((await events.next()).value?.id).toBe("0-queued");
      await events.return();
    }
    await until(async () => (await connections()) === 0, {
      timeoutMs: 30_000,
      describe: "no connection of the Worker, nor of its room",
    });
    await door.send("POST", `/v1/jobs/${id}/cancel`);
  });
});
