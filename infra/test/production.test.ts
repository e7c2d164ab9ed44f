import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { readEdgeConfig } from "../../packages/api/src/edge/edge-config.ts";
import { newResultKey } from "../../packages/shared/src/crypto/result-keys.ts";
import { newSealKey } from "../../packages/shared/src/crypto/seal.ts";
import type { Database } from "../../packages/shared/src/db/database.ts";
import { Health } from "../../packages/shared/src/metrics/health.ts";
import { createRegistry } from "../../packages/shared/src/metrics/registry.ts";
import { createDeliverMetrics } from "../../packages/worker/src/deliver-metrics.ts";
import { boxPolicy } from "../../packages/shared/src/queue/assume-role.ts";
import { LIMITS } from "../../packages/shared/src/domain/limits.ts";
import { ENVIRONMENT } from "./environment.ts";
import { recordResources } from "./record-resources.ts";
import type { Recorded } from "./record-resources.ts";
import { bindingsOf, find, ofType, policies, RULES } from "./rules.ts";

let production: Awaited<ReturnType<typeof recordResources>>;
beforeAll(async () => {
  production = await recordResources("production", {
    ...ENVIRONMENT,
    SST_SECRET_SealKeys: newSealKey("k1"),
    SST_SECRET_ResultKeys: await newResultKey("r1"),
  });
});

test.for(Object.keys(RULES))("%s", (rule) => {
  expect(RULES[rule]?.(production.resources)).toEqual([]);
});

test("each principal may do this and nothing else", () => {
  const allowed = policies(production.resources).flatMap(({ name, statements }) =>
    statements
      .filter(({ effect }) => effect === "Allow")
      .map(({ actions, resources, principals }) => [
        name,
        actions.join(" "),
        [...resources, ...principals].join(" "),
      ]),
  );
  const jobs = "arn:aws:sqs:eu-central-1:123456789012:JobsQueue";
  const [uploads, results] = ["arn:aws:s3:::audiobucket/uploads/*", "arn:aws:s3:::audiobucket/results/*"];
  expect(allowed.toSorted()).toEqual([
    ["ApiBucketPolicy", "s3:GetObject s3:DeleteObject", results],
    ["ApiBucketPolicy", "s3:GetObject s3:PutObject s3:DeleteObject s3:AbortMultipartUpload", uploads],
    ["ApiBucketPolicy", "s3:ListBucket", "arn:aws:s3:::audiobucket"],
    ["ApiQueuePolicy", "sqs:SendMessage", jobs],
    ["Box", "sts:AssumeRole", "arn:aws:iam::123456789012:BoxIssuer"],
    ["BoxIssuerPolicy", "sts:AssumeRole", "arn:aws:iam::123456789012:role/Box"],
    ["BoxPolicy", "s3:GetObject", uploads],
    ["BoxPolicy", "s3:PutObject s3:AbortMultipartUpload", results],
    ["BoxPolicy", "sqs:ReceiveMessage sqs:DeleteMessage sqs:ChangeMessageVisibility", jobs],
    [
      "DelivererMetricsPolicy",
      "logs:CreateLogStream logs:DescribeLogStreams logs:PutLogEvents",
      "arn:aws:cloudwatch::123456789012:DelivererMetrics:*",
    ],
    ["DelivererPolicy", "s3:DeleteObject", `${uploads} ${results}`],
  ]);
});

test("the Worker has all that its code reads, and reads it as it is", () => {
  const texts = bindingsOf(production.resources).flatMap(({ name, text }) =>
    text === undefined ? [] : [[name, text]],
  );
  expect(readEdgeConfig(Object.fromEntries(texts))).toMatchObject({
    queue: { url: "https://sqs.eu-central-1.amazonaws.com/123456789012/JobsQueue", region: "eu-central-1" },
    queueCredentials: { accessKeyId: "ApiQueueKey1-id", secretAccessKey: "secret-of-ApiQueueKey1" },
    blobs: { bucketUrl: "https://audiobucket.s3.eu-central-1.amazonaws.com" },
    blobsCredentials: { accessKeyId: "ApiBucketKey1-id" },
    corsOrigins: ["https://app.example.com", "https://studio.example.com"],
    tokens: { issuer: "https://api.example.com" },
    boxes: {
      databaseUrl: "postgres://db.example.com:5432/earshot?sslmode=verify-full",
      blobs: "s3://audiobucket?region=eu-central-1",
    },
  });
});

test("the role of boxes and what the API lends of it are the same", () => {
  const queueArn = "arn:aws:sqs:eu-central-1:123456789012:JobsQueue";
  const lent = boxPolicy({ queueArn, bucket: "audiobucket" }) as {
    Statement: { Action: string[]; Resource: string }[];
  };
  expect(find(production.resources, "Box")?.inputs.maxSessionDuration).toBe(3600);
  const role = policies(production.resources).find(({ name }) => name === "BoxPolicy")?.statements ?? [];
  const pairs = (statements: readonly { actions: string[]; resources: string[] }[]) =>
    statements
      .flatMap(({ actions, resources }) =>
        actions.flatMap((action) => resources.map((on) => `${action} ${on}`)),
      )
      .toSorted();
  expect(pairs(role)).toEqual(
    pairs(lent.Statement.map(({ Action, Resource }) => ({ actions: Action, resources: [Resource] }))),
  );
});

test("bindings, dates, flags and migrations are those of the Worker that is tested", () => {
  const wrangler = wranglerConfig();
  const bindings = bindingsOf(production.resources);
  const named = (type: string) => bindings.filter((binding) => binding.type === type);
  expect(
    named("durable_object_namespace").map(({ name, className }) => ({ name, class_name: className })),
  ).toEqual(wrangler.durable_objects.bindings);
  expect(named("hyperdrive").map(({ name }) => name)).toEqual(
    wrangler.hyperdrive.map(({ binding }) => binding),
  );
  expect(
    named("ratelimit").map(({ name, namespaceId, simple }) => ({ name, namespace_id: namespaceId, simple })),
  ).toEqual(wrangler.ratelimits);
  expect(named("assets").map(({ name }) => name)).toEqual([wrangler.assets.binding]);
  const script = find(production.resources, "ApiScript")?.inputs ?? {};
  expect(script).toMatchObject({
    compatibilityDate: wrangler.compatibility_date,
    compatibilityFlags: wrangler.compatibility_flags,
    assets: { config: { runWorkerFirst: wrangler.assets.run_worker_first } },
    observability: { enabled: true, headSamplingRate: 1 },
    migrations: {
      newTag: wrangler.migrations.at(-1)?.tag,
      steps: wrangler.migrations.map(({ new_sqlite_classes }) => ({ newSqliteClasses: new_sqlite_classes })),
    },
  });
});

test("it stands at its own name, near the database", () => {
  expect(find(production.resources, "ApiDomain")?.inputs).toMatchObject({ hostname: "api.example.com" });
  expect(production.resources.find(({ name }) => name.startsWith("ApiPlacement"))?.inputs).toMatchObject({
    region: "aws:eu-central-1",
  });
  expect(find(production.resources, "HYPERDRIVEHyperdrive")?.inputs).toMatchObject({
    mtls: { sslmode: "verify-full", caCertificateId: ENVIRONMENT.EARSHOT_DATABASE_CA },
    origin: { user: "earshot_api" },
  });
});

test("pages of the listed origins may put audio", () => {
  expect(find(production.resources, "AudioCors")?.inputs.corsRules).toMatchObject([
    { allowedOrigins: ["https://app.example.com", "https://studio.example.com"], allowedMethods: ["PUT"] },
  ]);
});

test("the bucket forgets nothing that the product still keeps", () => {
  const rules = find(production.resources, "AudioLifecycle")?.inputs.rules as {
    id: string;
    expiration?: { days: number };
  }[];
  const days = (id: string) => (rules.find((rule) => rule.id === id)?.expiration?.days ?? 0) * 86_400;
  expect(days("uploads")).toBeGreaterThan(LIMITS.queueDeadlineSeconds + LIMITS.inputKeptSeconds);
  expect(days("results")).toBeGreaterThan(LIMITS.resultKeptSeconds + LIMITS.queueDeadlineSeconds);
});

test("production is protected, and its bucket outlives it", () => {
  expect(production.app).toMatchObject({ protect: true, removal: "retain" });
  expect(find(production.resources, "AudioBucket")?.inputs.forceDestroy).toBe(false);
});

test("dead letters, old bells, an API that isn't ready and late deliveries are told", () => {
  const alarms = ofType(production.resources, "aws:cloudwatch/metricAlarm:MetricAlarm");
  const told = alarms.map(({ name, inputs }) => [
    name,
    `${String(inputs.statistic)} ${String(inputs.metricName)} ${String(inputs.comparisonOperator)} ${String(inputs.threshold)}`,
    inputs.dimensions,
  ]);
  expect(told.toSorted()).toEqual([
    ["ApiUnreadyAlarm", "Minimum HealthCheckStatus LessThanThreshold 1", { HealthCheckId: "ApiReady-id" }],
    [
      "DeadLettersAlarm",
      "Maximum ApproximateNumberOfMessagesVisible GreaterThanThreshold 0",
      { QueueName: expect.stringContaining("-JobsDeadLettersQueue-") },
    ],
    [
      "DeliveriesLateAlarm",
      "Maximum earshot_deliveries_oldest_seconds GreaterThanThreshold 300",
      { job: "earshot-deliver" },
    ],
    [
      "OldestBellAlarm",
      "Maximum ApproximateAgeOfOldestMessage GreaterThanThreshold 900",
      { QueueName: expect.stringContaining("-JobsQueue-") },
    ],
  ]);
  expect(find(production.resources, "ApiReady")?.inputs).toMatchObject({
    type: "HTTPS",
    fqdn: "api.example.com",
    port: 443,
    resourcePath: "/readyz",
  });
});

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");

interface Agent {
  logs: { metrics_collected: { prometheus: Prometheus } };
}

interface Prometheus {
  prometheus_config_path: string;
  log_group_name: string;
  emf_processor: { metric_namespace: string; metric_declaration: [Declaration] };
}

interface Declaration {
  label_matcher: string;
  metric_selectors: string[];
}

interface Scrape {
  scrape_configs: [{ job_name: string; static_configs: [{ targets: [string] }] }];
}

const agent = JSON.parse(read("infra/observability/cloudwatch-agent.json")) as Agent;
const { prometheus } = agent.logs.metrics_collected;
const [declaration] = prometheus.emf_processor.metric_declaration;
const scrape = parse(read("infra/observability/cloudwatch-prometheus.yaml")) as Scrape;
const [job] = scrape.scrape_configs;

const ofProduction = (text: string) => text.replace("STAGE", "production");

const text = expect.stringMatching(/./) as string;

test("the agent's file has the shape that its own schema wants, and nothing beside", () => {
  // translator/config/schema.json of aws/amazon-cloudwatch-agent: no part of it may have a key that is not in the schema.
  expect(agent).toEqual({
    agent: { region: text },
    logs: {
      metrics_collected: {
        prometheus: {
          prometheus_config_path: text,
          log_group_name: text,
          emf_processor: {
            metric_namespace: text,
            metric_declaration: [
              {
                source_labels: ["job"],
                label_matcher: text,
                dimensions: [["job"]],
                metric_selectors: [text],
              },
            ],
          },
        },
      },
    },
  });
  // https://prometheus.io/docs/prometheus/latest/configuration/configuration/
  expect(scrape).toEqual({
    global: { scrape_interval: "1m", scrape_timeout: "10s" },
    scrape_configs: [{ job_name: text, static_configs: [{ targets: [text] }] }],
  });
});

test("the agent sends the one metric of the deliverer that its alarm looks at", () => {
  const alarm = find(production.resources, "DeliveriesLateAlarm")?.inputs;
  const registry = createRegistry(new Health());
  createDeliverMetrics(registry, {} as Database);
  const exposed = registry.getMetricsAsArray().map(({ name }) => name);
  const selected = exposed.filter((name) =>
    declaration.metric_selectors.some((one) => new RegExp(one).test(name)),
  );
  expect(selected).toEqual([alarm?.metricName]);
  expect(alarm).toMatchObject({
    namespace: ofProduction(prometheus.emf_processor.metric_namespace),
    dimensions: { job: job.job_name },
    treatMissingData: "breaching",
  });
  expect(new RegExp(declaration.label_matcher).test(job.job_name)).toBe(true);
  expect(find(production.resources, "DelivererMetrics")?.inputs.name).toBe(
    ofProduction(prometheus.log_group_name),
  );
});

test("it looks where docs/deploy.md has the deliverer tell of itself, in the file that the page puts there", () => {
  const page = read("docs/deploy.md");
  const [target] = job.static_configs[0].targets;
  expect(page).toContain(`EARSHOT_METRICS_PORT=${target.split(":")[1]}`);
  expect(page).toContain(
    `infra/observability/cloudwatch-prometheus.yaml ${prometheus.prometheus_config_path}\n`,
  );
  expect(page).toContain("infra/observability/cloudwatch-agent.json > /etc/earshot/cloudwatch-agent.json\n");
});

test("no output of a deploy is a secret", () => {
  const outputs = JSON.stringify(production.outputs);
  expect(outputs).toContain("api.example.com");
  expect(outputs).not.toMatch(/secret-of|password|k1:/);
});

/** Changes what was recorded as somebody who is not careful would change infra/. */
type Change = (resource: Recorded) => Recorded | null;

const without =
  (name: string): Change =>
  (resource) =>
    resource.name === name ? null : resource;

const withInputs =
  (name: string, inputs: Record<string, unknown>): Change =>
  (resource) =>
    resource.name === name ? { ...resource, inputs: { ...resource.inputs, ...inputs } } : resource;

const replacing =
  (name: string, from: string, to: string): Change =>
  (resource) => {
    if (resource.name !== name) return resource;
    const changed = JSON.stringify(resource.inputs).replaceAll(from, to);
    return { ...resource, inputs: JSON.parse(changed) as Record<string, unknown> };
  };

/** What was done, the beginning of the rule that must see it, how. */
const CARELESS: [string, string, Change][] = [
  [
    "a policy that is widened to every action",
    "nothing is allowed",
    replacing("ApiQueuePolicy", "sqs:SendMessage", "sqs:*"),
  ],
  [
    "a policy that is widened to every resource",
    "nothing is allowed",
    replacing("BoxPolicy", "arn:aws:sqs:eu-central-1:123456789012:JobsQueue", "*"),
  ],
  [
    "a policy that is widened to every bucket",
    "nothing is allowed",
    replacing("DelivererPolicy", "arn:aws:s3:::audiobucket/uploads/*", "arn:aws:s3:::*"),
  ],
  [
    "a role that anybody may take",
    "nothing is allowed",
    replacing("Box", "arn:aws:iam::123456789012:BoxIssuer", "*"),
  ],
  ["a bucket that the world may read", "nothing is allowed", replacing("AudioPolicy", "Deny", "Allow")],
  ["a queue without TLS", "queues and bucket refuse", without("JobsOverTls")],
  ["a bucket without TLS", "queues and bucket refuse", without("AudioPolicy")],
  [
    "a queue that is not encrypted",
    "queues are encrypted",
    withInputs("JobsQueue", { sqsManagedSseEnabled: false }),
  ],
  ["no queue for the dead", "what no worker can read", without("JobsDeadLettersQueue")],
  ["no redrive", "what no worker can read", withInputs("JobsQueue", { redrivePolicy: undefined })],
  [
    "dead letters that go first",
    "what no worker can read",
    withInputs("JobsDeadLettersQueue", { messageRetentionSeconds: 60 }),
  ],
  ["a short poll", "the queue is polled long", withInputs("JobsQueue", { receiveWaitTimeSeconds: 0 })],
  [
    "a public bucket",
    "the bucket is private",
    withInputs("AudioPublicAccessBlock", { blockPublicPolicy: false }),
  ],
  ["no encryption", "the bucket is private", without("AudioEncryption")],
  ["an encryption that is none", "the bucket is private", replacing("AudioEncryption", "AES256", "none")],
  [
    "objects of whoever wrote them",
    "the bucket is private",
    replacing("AudioOwnership", "BucketOwnerEnforced", "ObjectWriter"),
  ],
  [
    "dead letters of any queue",
    "what no worker can read",
    replacing("JobsDeadLettersSources", "byQueue", "allowAll"),
  ],
  ["objects that stay", "parts and objects age out", withInputs("AudioLifecycle", { rules: [] })],
  ["CORS for all", "no origin but", replacing("AudioCors", "https://app.example.com", "*")],
  [
    "CORS for a family",
    "no origin but",
    replacing("AudioCors", "https://app.example.com", "https://*.example.com"),
  ],
  ["a cache", "Hyperdrive answers", withInputs("HYPERDRIVEHyperdrive", { caching: undefined })],
  [
    "a secret in plain text",
    "no secret is a plain text",
    replacing("ApiScript", "secret_text", "plain_text"),
  ],
  [
    "a default password",
    "no secret has a default",
    withInputs("DatabasePassword", { placeholder: "hunter2" }),
  ],
  [
    "a second door",
    "the Worker answers",
    replacing("ApiUrl.sst.cloudflare.WorkerUrl", '"enabled":false', '"enabled":true'),
  ],
  ["an alarm that nobody hears", "every alarm tells", withInputs("DeadLettersAlarm", { alarmActions: [] })],
  ["a topic without a subscriber", "every alarm tells", without("ApiAlarmsEmail")],
  [
    "an alarm that sleeps",
    "every alarm tells",
    withInputs("ApiUnreadyAlarm", { treatMissingData: "notBreaching" }),
  ],
];

describe("a rule sees", () => {
  test.for(CARELESS)("%s", ([, rule, change]) => {
    const changed = production.resources.flatMap((resource) => change(resource) ?? []);
    expect(changed).not.toEqual(production.resources);
    const [name = ""] = Object.keys(RULES).filter((title) => title.startsWith(rule));
    expect(RULES[name]?.(changed)).not.toEqual([]);
  });

  test("each rule's case", () => {
    const seen = CARELESS.map(([, rule]) => rule);
    expect(Object.keys(RULES).filter((title) => !seen.some((rule) => title.startsWith(rule)))).toEqual([]);
  });
});

interface WranglerConfig {
  compatibility_date: string;
  compatibility_flags: string[];
  assets: { binding: string; run_worker_first: boolean };
  hyperdrive: { binding: string }[];
  durable_objects: { bindings: { name: string; class_name: string }[] };
  ratelimits: { name: string; namespace_id: string; simple: { limit: number; period: number } }[];
  migrations: { tag: string; new_sqlite_classes: string[] }[];
}

/** JSON with comments on lines of their own, and commas at ends. */
function wranglerConfig(): WranglerConfig {
  const text = readFileSync(new URL("../../packages/api/wrangler.jsonc", import.meta.url), "utf8");
  return JSON.parse(text.replaceAll(/^\s*\/\/.*$/gm, "").replaceAll(/,(\s*[}\]])/g, "$1")) as WranglerConfig;
}
