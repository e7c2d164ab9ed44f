import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import type { JobStory } from "@earshot/shared/db/job-stories";
import { isFinal } from "@earshot/shared/domain/job-status";
import { LIMITS } from "@earshot/shared/domain/limits";
import { describeError } from "@earshot/shared/log";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App } from "../../env.ts";
import { eventStream } from "../../event-stream.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";
import { requireJob } from "./require-job.ts";
import { eventsAfter, eventsOf } from "./story-events.ts";
import type { StoryEvent } from "./story-events.ts";

const HEARTBEAT_MS = 15_000;

const STREAM_HEADERS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-store",
  // Else nginx keeps the events until it has a bufferful.
  "X-Accel-Buffering": "no",
};

const Headers = z.object({
  "Last-Event-ID": z
    .string()
    .max(256)
    .optional()
    .describe(doc("The id of the last event that was heard: the stream goes on after it.")),
});

const route = createRoute({
  method: "get",
  path: "/v1/jobs/{id}/events",
  summary: doc("Follow a job as server-sent events"),
  description: doc(
    "`status` for each change of the job's state, `progress` while it runs, and `end` with the job as `GET /v1/jobs/{id}` " +
      "shows it; then the stream closes. What happened before is told first.",
  ),
  middleware: authorize("jobs:read"),
  request: { params: IdParams, headers: Headers },
  responses: doc(() => ({
    200: { description: "The events.", content: { "text/event-stream": { schema: z.string() } } },
    204: { description: "`Last-Event-ID` names the end: there is nothing more to come." },
    ...problems("validation_failed", "forbidden", "not_found", "gone"),
  })),
});

/** GET /v1/jobs/{id}/events. The first look is made before the answer begins: a job that is not there is a 404. */
export function getJobEvents(app: App, { watchJobs, log }: Pick<Deps, "watchJobs" | "log">): void {
  app.openapi(route, async (c) => {
    const jobId = requireId("job", c.req.valid("param").id);
    const lastEventId = c.req.valid("header")["Last-Event-ID"];
    note(c, { job_id: jobId });
    const left = new AbortController();
    const patience = AbortSignal.timeout(LIMITS.eventStreamSeconds * 1_000);
    const signal = AbortSignal.any([c.req.raw.signal, left.signal, patience]);
    const stories = watchJobs.follow({ jobId, accountId: c.var.principal.accountId }, { signal });
    // Whoever never reads the answer (a HEAD) leaves the room too.
    signal.addEventListener("abort", () => void stories.return(), { once: true });

    const first = await firstOf(stories);
    if (heardTheEnd(first, lastEventId)) {
      left.abort();
      return c.body(null, 204);
    }
    // The answer to a HEAD has no body that anybody could leave.
    const isRead = c.req.raw.method !== "HEAD";
    if (!isRead) left.abort();
    const body = eventStream(untold(first, stories, lastEventId), {
      heartbeatMs: HEARTBEAT_MS,
      onLeave: () => left.abort(),
      onError: (error) => log.warn("event_stream_failed", { job_id: jobId, ...describeError(error) }),
    });
    return isRead ? c.body(body, 200, STREAM_HEADERS) : c.body(null, 200, STREAM_HEADERS);
  });
}

type Stories = ReturnType<Deps["watchJobs"]["follow"]>;

/** @throws AppError `not_found`, `gone`. */
async function firstOf(stories: Stories): Promise<JobStory> {
  const { value } = await stories.next();
  try {
    requireJob(value?.job);
  } catch (error) {
    await stories.return();
    throw error;
  }
  return value as JobStory; // requireJob threw where it is none.
}

/** A browser's EventSource comes back after every end but this one. */
function heardTheEnd(story: JobStory, lastEventId: string | undefined): boolean {
  const last = eventsOf(story).at(-1);
  return last?.event === "end" && last.id === lastEventId;
}

async function* untold(
  first: JobStory,
  stories: Stories,
  lastEventId: string | undefined,
): AsyncGenerator<StoryEvent, void> {
  const events = eventsOf(first);
  const told = new Set(events.map(({ id }) => id));
  yield* eventsAfter(events, lastEventId);
  if (isFinal(first.job.status)) return void (await stories.return());
  for await (const story of stories) {
    for (const event of story === null ? [] : eventsOf(story)) {
      if (told.has(event.id)) continue;
      told.add(event.id);
      yield event;
      if (event.event === "end") return;
    }
  }
}
