import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { findSimilarJobs } from "@earshot/shared/db/similar-jobs";
import { roundScore } from "@earshot/shared/domain/results";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { readSeeds } from "./seeds.ts";
import { SimilarRequest } from "./similar-request.ts";

const SimilarJobs = doc(() =>
  z
    .object({
      space: z.string(),
      exact: z
        .boolean()
        .describe("Whether every vector that the filter leaves was compared. An index may miss some."),
      data: z.array(
        z.object({
          job_id: z.string(),
          score: z.number().describe("The cosine of the angle between the vectors: 1 is the same direction."),
          created_at: z.iso.datetime(),
          metadata: z.record(z.string(), z.string()),
          tags: z.record(z.string(), z.string()).describe("Of the file, such as its artist and title."),
        }),
      ),
    })
    .meta({ id: "SimilarJobs" }),
);

const route = createRoute({
  method: "post",
  path: "/v1/search/similar",
  summary: doc("Jobs whose audio is like that of others, the most like it first"),
  middleware: authorize("jobs:read"),
  request: { body: { required: true, content: { "application/json": { schema: SimilarRequest } } } },
  responses: doc(() => ({
    200: {
      description:
        "The nearest vectors of the space that the filter leaves. The jobs that were asked about are not among them, nor are deleted ones.",
      content: { "application/json": { schema: SimilarJobs } },
    },
    ...problems("forbidden", "not_found", "conflict", "gone", "body_too_large", "unsupported_content_type"),
  })),
});

export function searchSimilar(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const { filter, limit, exact, ...seed } = c.req.valid("json");
    const { accountId } = c.var.principal;
    const { space, vector, jobIds: without } = await readSeeds(db, accountId, seed);
    const found = await findSimilarJobs(db, accountId, { space, vector, without, filter, limit, exact });
    const data = found.jobs.map(({ jobId, score, createdAt, metadata, tags }) => ({
      job_id: jobId,
      score: roundScore(score),
      created_at: createdAt.toISOString(),
      metadata,
      tags,
    }));
    return c.json({ space, exact: found.exact, data }, 200);
  });
}
