import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import postgres from "postgres";
import * as z from "zod";

/** The least that any submission costs: a row that is durable and a message, behind one route of bare Hono. */
const env = z
  .object({ DATABASE_URL: z.url(), QUEUE_URL: z.url(), QUEUE_ENDPOINT: z.url() })
  .parse(process.env);

const sql = postgres(env.DATABASE_URL, { max: 8, fetch_types: false });
const queue = new SQSClient({
  region: "us-east-1",
  endpoint: env.QUEUE_ENDPOINT,
  useQueueUrlAsEndpoint: false,
  credentials: { accessKeyId: "embedded", secretAccessKey: "embedded" },
});
await sql`create table if not exists bare_jobs (
  id text collate "C" primary key, body text not null, created_at timestamptz not null default now())`;

const app = new Hono();
app.post("/bare", async (c) => {
  const body: unknown = await c.req.json();
  const id = crypto.randomUUID();
  await sql`insert into bare_jobs (id, body) values (${id}, ${JSON.stringify(body)})`;
  await queue.send(new SendMessageCommand({ QueueUrl: env.QUEUE_URL, MessageBody: JSON.stringify({ id }) }));
  return c.json({ id }, 202);
});

const server = createAdaptorServer({ fetch: app.fetch }) as Server;
server.listen(0, "127.0.0.1");
await once(server, "listening");
process.on("disconnect", () => process.exit());
process.on("SIGTERM", () => process.exit());
process.send?.({ port: (server.address() as AddressInfo).port });
