import { once } from "node:events";
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { newId } from "@earshot/shared/crypto/ids";
import * as z from "zod";
import { roundsOf } from "../figure.ts";
import type { Figure } from "../figure.ts";
import { openStack } from "../stack.ts";
import type { BenchStack } from "../stack.ts";
import { medianOf, rounded } from "../statistics.ts";

const KINDS = ["hangs", "resets", "fails"] as const;
const SICK_OF_A_KIND = 5;
const HEALTHY = 35;
const EVENTS = 20;
const ROUNDS = 5;

/** Fifty receivers of which fifteen are sick: how long the healthy ones' deliveries take, beside the same without the sick ones. */
export const isolation: Figure = {
  name: "deliveries",
  async measure(context) {
    await using stack = await openStack(context, "deliveries");
    await using receivers = await startReceivers();
    await Promise.all([stack.start("api"), stack.start("deliver")]);
    const healthy = await addEndpoints(
      stack,
      Array.from({ length: HEALTHY }, (_, n) => `${receivers.url}/healthy/${n}`),
    );
    const sick = await addEndpoints(
      stack,
      KINDS.flatMap((kind) =>
        Array.from({ length: SICK_OF_A_KIND }, (_, n) => `${receivers.url}/${kind}/${n}`),
      ),
    );
    const alone: number[] = [];
    const beside: number[] = [];
    for (let round = 0; round < roundsOf(context, ROUNDS); round++) {
      alone.push(await p95Ms(stack, receivers, healthy, []));
      beside.push(await p95Ms(stack, receivers, healthy, sick));
    }
    return {
      figures: { "deliveries.isolation": { value: rounded(medianOf(beside) / medianOf(alone)) } },
      details: {
        p95_beside_sick_ms: beside.map(rounded),
        p95_alone_ms: alone.map(rounded),
        deliveries: HEALTHY * EVENTS,
      },
    };
  },
};

interface Endpoint {
  id: string;
  url: string;
  account_id: string;
}

async function addEndpoints({ connection, sql }: BenchStack, urls: string[]): Promise<Endpoint[]> {
  const endpoints: Endpoint[] = [];
  for (const url of urls) {
    const answer = await fetch(`${connection.url}/v1/webhook-endpoints`, {
      method: "POST",
      headers: { Authorization: `Bearer ${connection.key}`, "Content-Type": "application/json" },
      body: JSON.stringify({ url }),
    });
    const { id } = z.object({ id: z.string() }).parse(await answer.json());
    const [row] = await sql<Endpoint[]>`select id, url, account_id from webhook_endpoints where id = ${id}`;
    if (row === undefined) throw new Error(`no endpoint ${id}`);
    endpoints.push(row);
  }
  return endpoints;
}

/** From the commit of all deliveries at once to the arrival of each healthy one. */
async function p95Ms(
  { sql }: BenchStack,
  receivers: Receivers,
  healthy: Endpoint[],
  sick: Endpoint[],
): Promise<number> {
  const arrivals = receivers.expect(HEALTHY * EVENTS);
  await sql.begin(async (tx) => {
    for (let event = 0; event < EVENTS; event++) {
      const [{ account_id } = { account_id: "" }] = healthy;
      const id = newId("event");
      const payload = '{"type":"security.alert","timestamp":"2026-01-01T00:00:00Z","data":{}}';
      await tx`insert into events ${tx({ id, account_id, type: "security.alert", payload })}`;
      const rows = [...sick, ...healthy].map((endpoint) => ({
        id: newId("delivery"),
        event_id: id,
        account_id,
        endpoint_id: endpoint.id,
        url: endpoint.url,
      }));
      await tx`insert into deliveries ${tx(rows)}`;
    }
  });
  const committedAt = performance.now();
  const waits = (await arrivals).map((at) => at - committedAt).toSorted((a, b) => a - b);
  // What is left is the sick ones': the next round begins without it.
  await sql`update deliveries set status = 'failed', finished_at = now(), lease_token = null where status = 'pending'`;
  receivers.letGo();
  return waits[Math.floor(waits.length * 0.95)] ?? 0;
}

interface Receivers extends AsyncDisposable {
  url: string;
  /** When each of so many requests to healthy receivers came. */
  expect(count: number): Promise<number[]>;
  /** Ends what hangs. */
  letGo(): void;
}

async function startReceivers(): Promise<Receivers> {
  const hanging = new Set<ServerResponse>();
  let arrived = () => {};
  const server = createServer((request, response) => {
    const kind = request.url?.split("/")[1];
    request.resume();
    if (kind === "fails") return void response.writeHead(500).end();
    if (kind === "resets") return void request.socket.resetAndDestroy();
    if (kind === "hangs") return void hanging.add(response);
    arrived();
    response.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const letGo = () => {
    for (const response of hanging) response.destroy();
    hanging.clear();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    letGo,
    expect: (count) =>
      new Promise((resolve) => {
        const times: number[] = [];
        arrived = () => {
          times.push(performance.now());
          if (times.length === count) resolve(times);
        };
      }),
    async [Symbol.asyncDispose]() {
      letGo();
      server.closeAllConnections();
      server.close();
    },
  };
}
