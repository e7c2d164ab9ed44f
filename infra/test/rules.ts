import type { Recorded } from "./record-resources.ts";

interface PolicyStatement {
  effect: string;
  actions: string[];
  resources: string[];
  principals: string[];
}

/** What holds of every stage. Each rule answers what it has found wrong, a line each. */
export const RULES: Record<string, (resources: readonly Recorded[]) => string[]> = {
  "nothing is allowed to everybody, everywhere or without end": (resources) =>
    policies(resources).flatMap(({ name, statements }) =>
      statements
        .filter(({ effect }) => effect === "Allow")
        .flatMap(({ actions, resources, principals }) => [
          ...actions.filter((action) => action.includes("*")).map((action) => `${name} allows ${action}`),
          ...resources
            .filter((resource) => /^\*|^arn:aws:(s3|sqs|sts|iam)\b.*:\*$/.test(resource))
            .map((resource) => `${name} reaches ${resource}`),
          ...principals.filter((principal) => principal.includes("*")).map(() => `${name} is for everybody`),
        ]),
    ),
  "queues and bucket refuse plain http": (resources) => {
    const refusing = policies(resources).filter(({ statements }) =>
      statements.some(({ effect, principals }) => effect === "Deny" && principals.includes("*")),
    );
    const stores = [
      ...ofType(resources, "aws:sqs/queue:Queue"),
      ...ofType(resources, "aws:s3/bucket:Bucket"),
    ];
    return refusing.length < stores.length ? [`${refusing.length} of ${stores.length} do`] : [];
  },
  "queues are encrypted": (resources) =>
    ofType(resources, "aws:sqs/queue:Queue").flatMap(({ name, inputs }) =>
      inputs.sqsManagedSseEnabled === true ? [] : [name],
    ),
  "what no worker can read is kept, for longer than the queue keeps it": (resources) => {
    const [jobs, dead] = ["JobsQueue", "JobsDeadLettersQueue"].map((name) => find(resources, name));
    if (jobs === undefined || dead === undefined) return ["a queue is missing"];
    const redrive = JSON.parse(String(jobs.inputs.redrivePolicy ?? "{}")) as Record<string, unknown>;
    return [
      ...(String(redrive.deadLetterTargetArn ?? "").endsWith(":JobsDeadLettersQueue") ? [] : ["no redrive"]),
      ...(Number(redrive.maxReceiveCount) >= 3 ? [] : ["dead after too few receives"]),
      ...(says(resources, "JobsDeadLettersSources", String.raw`\"redrivePermission\":\"byQueue\"`)
        ? []
        : ["dead letters of strangers"]),
      ...(Number(dead.inputs.messageRetentionSeconds) > Number(jobs.inputs.messageRetentionSeconds)
        ? []
        : ["dead letters are kept no longer"]),
    ];
  },
  "the queue is polled long and hides a message only as long as a claim takes": (resources) => {
    const inputs = find(resources, "JobsQueue")?.inputs ?? {};
    return [
      ...(inputs.receiveWaitTimeSeconds === 20 ? [] : ["short polls"]),
      ...(inputs.visibilityTimeoutSeconds === 30 ? [] : ["visibility"]),
    ];
  },
  "the bucket is private, encrypted, without versions, its owner's": (resources) => {
    const block = find(resources, "AudioPublicAccessBlock")?.inputs ?? {};
    const flags = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"];
    return [
      ...flags.filter((flag) => block[flag] !== true),
      ...(says(resources, "AudioEncryption", '"sseAlgorithm":"AES256"') ? [] : ["not encrypted"]),
      ...(says(resources, "AudioOwnership", '"objectOwnership":"BucketOwnerEnforced"')
        ? []
        : ["objects of strangers"]),
      ...(ofType(resources, "aws:s3/bucketVersioning:BucketVersioning").length > 0
        ? ["what is deleted lives on"]
        : []),
    ];
  },
  "parts and objects age out": (resources) => {
    const rules = (find(resources, "AudioLifecycle")?.inputs.rules ?? []) as LifecycleRule[];
    const days = (prefix: string) =>
      rules.find(({ filter }) => filter?.prefix === prefix)?.expiration?.days ?? 0;
    return [
      ...(rules.some((rule) => Number(rule.abortIncompleteMultipartUpload?.daysAfterInitiation) > 0)
        ? []
        : ["parts stay"]),
      ...(days("uploads/") > 0 && days("results/") > 0 ? [] : ["objects stay"]),
    ];
  },
  "no origin but the listed ones may put audio, and none by a pattern": (resources) =>
    ofType(resources, "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration").flatMap(({ inputs }) =>
      (inputs.corsRules as CorsRule[]).flatMap(({ allowedOrigins, allowedMethods, allowedHeaders }) => [
        ...allowedOrigins.filter((origin) => origin.includes("*")).map((origin) => `origin ${origin}`),
        ...allowedMethods.filter((method) => method !== "PUT").map((method) => `method ${method}`),
        ...allowedHeaders.filter((header) => header.includes("*")).map((header) => `header ${header}`),
      ]),
    ),
  "Hyperdrive answers from Postgres, never from its cache": (resources) => {
    const caching = find(resources, "HYPERDRIVEHyperdrive")?.inputs.caching;
    return (caching as { disabled?: boolean } | undefined)?.disabled === true ? [] : ["it caches"];
  },
  "no secret is a plain text of the Worker": (resources) =>
    bindingsOf(resources)
      .filter(
        ({ type, name }) => type === "plain_text" && /KEY|SECRET|CREDENTIALS|PASSWORD|ISSUERS/.test(name),
      )
      .map(({ name }) => name),
  "no secret has a default": (resources) =>
    ofType(resources, "sst:sst:Secret").flatMap(({ name, inputs }) =>
      inputs.placeholder === undefined ? [] : [name],
    ),
  "the Worker answers at its own name alone": (resources) =>
    resources.flatMap(({ name, inputs }) =>
      name.startsWith("ApiUrl") && inputs.enabled !== false ? [name] : [],
    ),
  "every alarm tells somebody, silence included": (resources) => {
    const heard = ofType(resources, "aws:sns/topicSubscription:TopicSubscription").map(({ inputs }) =>
      String(inputs.topic),
    );
    const isHeard = (actions: unknown) => Array.isArray(actions) && heard.includes(String(actions));
    return ofType(resources, "aws:cloudwatch/metricAlarm:MetricAlarm").flatMap(({ name, inputs }) => [
      ...(isHeard(inputs.alarmActions) ? [] : [`${name} tells nobody`]),
      ...(/^DeadLetters|^OldestBell/.test(name) || inputs.treatMissingData === "breaching"
        ? []
        : [`${name} sleeps`]),
    ]);
  },
};

interface LifecycleRule {
  filter?: { prefix?: string };
  expiration?: { days?: number };
  abortIncompleteMultipartUpload?: { daysAfterInitiation: number };
}

interface CorsRule {
  allowedOrigins: string[];
  allowedMethods: string[];
  allowedHeaders: string[];
}

export interface Binding {
  type: string;
  name: string;
  text?: string;
  [field: string]: unknown;
}

export function bindingsOf(resources: readonly Recorded[]): Binding[] {
  return (find(resources, "ApiScript")?.inputs.bindings ?? []) as Binding[];
}

export function find(resources: readonly Recorded[], name: string): Recorded | undefined {
  return resources.find((resource) => resource.name === name && !resource.type.startsWith("sst:"));
}

const says = (resources: readonly Recorded[], name: string, text: string) =>
  JSON.stringify(find(resources, name)?.inputs ?? {}).includes(text);

export function ofType(resources: readonly Recorded[], type: string): Recorded[] {
  return resources.filter((resource) => resource.type === type);
}

/** Every policy by its name, those that say who may become a role too. */
export function policies(resources: readonly Recorded[]): { name: string; statements: PolicyStatement[] }[] {
  return resources.flatMap(({ name, inputs }) =>
    [inputs.policy, inputs.assumeRolePolicy]
      .filter((policy) => typeof policy === "string")
      .map((policy) => ({ name, statements: statementsOf(policy) })),
  );
}

/** IAM's own form, and that of `getPolicyDocument`, which SST uses of buckets. */
function statementsOf(policy: string): PolicyStatement[] {
  const document = JSON.parse(policy) as Record<string, Record<string, unknown>[] | undefined>;
  return (document.Statement ?? document.statements ?? []).map((statement) => ({
    effect: String(statement.Effect ?? statement.effect ?? "Allow"),
    actions: list(statement.Action ?? statement.actions),
    resources: list(statement.Resource ?? statement.resources),
    principals: list(statement.Principal ?? statement.principals).flatMap(principalsOf),
  }));
}

function list(value: unknown): string[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]) as string[];
}

function principalsOf(principal: unknown): string[] {
  if (typeof principal === "string") return [principal];
  return Object.values(principal as Record<string, unknown>).flatMap(list);
}
