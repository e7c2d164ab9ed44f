import { doc } from "@earshot/shared/domain/doc";
import * as z from "zod";
import { idPattern } from "@earshot/shared/crypto/ids";
import { JOB_EVENT_TYPES } from "@earshot/shared/domain/events";
import { LIMITS } from "@earshot/shared/domain/limits";
import type { LoopbackAllowance } from "@earshot/shared/domain/loopback";
import { TASK_NAMES, TASKS } from "@earshot/shared/domain/tasks";
import type { TaskName } from "@earshot/shared/domain/tasks";
import { Metadata, WebhookSecret, WebUrl } from "../fields.ts";
import { whyForbidden } from "./web-url.ts";

export const PRIORITIES = { low: -1, normal: 0, high: 1 } as const;

const Input = z
  .strictObject({
    upload_id: z.string().regex(idPattern("upload"), "Not an upload's id").optional(),
    url: WebUrl.optional(),
  })
  .refine(
    (input) => (input.upload_id === undefined) !== (input.url === undefined),
    "Give upload_id or url, one of them",
  );

const Webhook = z.strictObject({
  url: WebUrl,
  secret: WebhookSecret.optional(),
  events: z.array(z.enum(JOB_EVENT_TYPES)).min(1).max(JOB_EVENT_TYPES.length).optional(),
});

/** Options of each task of the catalog, under its name. */
const Options = z.strictObject(
  Object.fromEntries(TASK_NAMES.map((name) => [name, TASKS[name].options.optional()])) as {
    [Name in TaskName]: z.ZodOptional<(typeof TASKS)[Name]["options"]>;
  },
);

const wholeSeconds = (min: number, max: number) => z.int().min(min).max(max).default(max);

/** All that a job is told but its input. */
const ORDER = {
  tasks: z.array(z.enum(TASK_NAMES)).min(1).max(LIMITS.tasksPerJob),
  options: Options.default({}),
  webhook: Webhook.optional(),
  metadata: Metadata.default({}),
  retention: wholeSeconds(60, LIMITS.resultKeptSeconds).describe(
    doc("Seconds that the result is kept after the end."),
  ),
  timeout_seconds: wholeSeconds(1, LIMITS.jobTimeoutSeconds),
  queue_deadline_seconds: wholeSeconds(1, LIMITS.queueDeadlineSeconds),
  priority: z.enum(["low", "normal", "high"]).default("normal"),
};

export const JobRequest = z
  .strictObject({ input: Input, ...ORDER })
  .superRefine(refuseOddTasks)
  .meta({ id: doc("JobRequest") });

export type JobRequest = z.output<typeof JobRequest>;

/** The part `job` of a form, whose input is its part `file`. */
export const JobFormRequest = z
  .strictObject(ORDER)
  .superRefine(refuseOddTasks)
  .meta({ id: doc("JobFormRequest") });

/** Where the request names a URL that no request of ours may go to, and why. */
export function forbiddenUrls(
  { input, webhook }: JobRequest,
  options: { allowLoopback: LoopbackAllowance },
): { pointer: string; detail: string }[] {
  const urls = { "/input/url": input.url, "/webhook/url": webhook?.url };
  return Object.entries(urls).flatMap(([pointer, url]) => {
    const detail = url === undefined ? null : whyForbidden(url, options.allowLoopback);
    return detail === null ? [] : [{ pointer, detail }];
  });
}

function refuseOddTasks(
  { tasks, options }: { tasks: TaskName[]; options: object },
  context: z.RefinementCtx,
): void {
  for (const [index, task] of tasks.entries()) {
    if (tasks.indexOf(task) !== index) fault(context, ["tasks", index], "This task is asked for twice");
  }
  for (const task of Object.keys(options)) {
    if (!(tasks as string[]).includes(task)) fault(context, ["options", task], "This task is not asked for");
  }
}

function fault(context: z.RefinementCtx, path: PropertyKey[], message: string): void {
  context.addIssue({ code: "custom", path, message });
}
