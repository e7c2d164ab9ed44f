import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Recorded {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const REGION = "eu-central-1";
const ACCOUNT = "123456789012";

/**
 * Runs sst.config.ts as SST does, against Pulumi's mocks: what would be made, with what. Once a process: the platform
 * keeps its state in modules.
 */
export async function recordResources(
  stage: string,
  environment: Record<string, string>,
): Promise<{ app: Record<string, unknown>; outputs: Record<string, unknown>; resources: Recorded[] }> {
  Object.assign(process.env, environment, { CLOUDFLARE_DEFAULT_ACCOUNT_ID: "cf-account" });
  const server = await standIn();
  const { runtime, output } = await import("../../.sst/platform/node_modules/@pulumi/pulumi/index.js");
  const resources: Recorded[] = [];
  await runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        resources.push({ type, name, inputs: revealed(inputs) as Record<string, unknown> });
        return { id: `${name}-id`, state: { ...inputs, ...computed(type, name, inputs) } };
      },
      call: ({ token, inputs }) => ({ ...inputs, ...answers(token, inputs) }),
    },
    "earshot",
    stage,
    false,
  );
  const globals: Record<string, unknown> = globalThis;
  globals.$dev = false;
  globals.$cli = {
    command: "deploy",
    paths: { home: "", root: ROOT, work: `${ROOT}.sst`, platform: `${ROOT}.sst/platform` },
    state: { version: {} },
  };
  globals.$config = (config: unknown) => config;
  const { default: config } = (await import("../../sst.config.ts")) as unknown as { default: Config };
  const app = config.app({ stage });
  globals.$app = { ...app, stage, providers: app.providers };
  // @ts-expect-error It is JavaScript without types: what SST puts into a config's scope.
  Object.assign(globals, await import("../../.sst/platform/src/shim/run.js"));
  globals.sst = await import("../../.sst/platform/src/components/index.ts");
  globals.aws = await import("../../.sst/platform/node_modules/@pulumi/aws/index.js");
  globals.cloudflare = await import("../../.sst/platform/node_modules/@pulumi/cloudflare/index.js");
  try {
    const outputs = await config.run();
    const told = await new Promise<Record<string, unknown>>((resolve) =>
      output(outputs).apply(resolve as never),
    );
    await runtime.disconnect?.();
    return { app, outputs: told, resources };
  } finally {
    server.close();
  }
}

/** Pulumi wraps what is secret; rules look at the values. */
function revealed(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(revealed);
  const entries = Object.entries(value);
  if (SECRET_MARK in value) return revealed((value as { value?: unknown }).value);
  return Object.fromEntries(entries.map(([key, inner]) => [key, revealed(inner)]));
}

/** The key of Pulumi's wire format that says "a special value", of which secrets are one. */
const SECRET_MARK = "4dabf18193072939515e22adb298388d";

interface Config {
  app(input: { stage: string }): Record<string, unknown>;
  run(): Promise<Record<string, unknown>>;
}

/** What a cloud makes up. */
function computed(type: string, name: string, inputs: Record<string, unknown>): Record<string, unknown> {
  switch (type) {
    case "aws:sqs/queue:Queue":
      return {
        arn: `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`,
        url: `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${name}`,
      };
    case "aws:s3/bucket:Bucket":
      return { bucket: name.toLowerCase(), arn: `arn:aws:s3:::${name.toLowerCase()}` };
    case "aws:iam/role:Role":
      return { arn: `arn:aws:iam::${ACCOUNT}:role/${name}`, name };
    case "aws:iam/accessKey:AccessKey":
      return { secret: `secret-of-${name}` };
    default:
      return { arn: `arn:aws:${type.split(/[:/]/)[1]}::${ACCOUNT}:${name}`, name: inputs.name ?? name };
  }
}

function answers(token: string, inputs: Record<string, unknown>): Record<string, unknown> {
  if (token === "aws:iam/getPolicyDocument:getPolicyDocument") return { json: JSON.stringify(inputs) };
  if (token === "aws:index/getRegion:getRegion") return { region: REGION };
  return {};
}

/** SST's own process, which bundles, and Cloudflare's API, which knows no Worker yet. */
async function standIn() {
  const out = mkdtempSync(join(tmpdir(), "earshot-infra-"));
  writeFileSync(join(out, "worker.js"), "export default {};\n");
  const server = createServer((request, response) => {
    const body = request.url?.endsWith("/rpc")
      ? { result: { handler: "worker.js", out, errors: [] } }
      : { success: true, result: [], errors: [] };
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  Object.assign(process.env, { SST_SERVER: url, CLOUDFLARE_API_BASE_URL: url });
  return server;
}
