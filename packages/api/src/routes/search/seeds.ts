import type { Database } from "@earshot/shared/db/database";
import { findJob } from "@earshot/shared/db/jobs/read-job";
import { dimensionsOf, findVectors } from "@earshot/shared/db/similar-jobs";
import type { SeedVector } from "@earshot/shared/db/similar-jobs";
import { AppError } from "@earshot/shared/domain/errors";
import { invalid } from "../../problem.ts";
import { requireJob } from "../jobs/require-job.ts";
import type { SimilarRequest } from "./similar-request.ts";

/** What others are compared with. */
interface Seeds {
  space: string;
  /** Of length 1. */
  vector: number[];
  jobIds: string[];
}

type SeedRequest = Pick<SimilarRequest, "job_id" | "job_ids" | "vector" | "space">;

/**
 * @throws RefusedRequest for a vector that is not of its space or has no direction; AppError `not_found` or `gone` for a
 * job that is not there, `conflict` for one without a vector and for jobs of different spaces.
 */
export async function readSeeds(db: Database, accountId: string, request: SeedRequest): Promise<Seeds> {
  const { vector, space = "" } = request;
  if (vector !== undefined) {
    const dimensions = await dimensionsOf(db, accountId, space);
    if (dimensions !== null && dimensions !== vector.length)
      throw invalid("/vector", `The space has ${dimensions} dimensions`);
    return { space, vector: directionOf([vector], "/vector"), jobIds: [] };
  }
  const jobIds = [...new Set(request.job_ids ?? [request.job_id ?? ""])];
  const vectors = await findVectors(db, accountId, jobIds);
  for (const id of jobIds) await requireVector(db, accountId, id, vectors);
  const common = commonSpace(jobIds, vectors, request.space);
  const seeds = vectors.filter((seed) => seed.space === common).map(({ vec }) => vec);
  return { space: common, vector: directionOf(seeds, "/job_ids"), jobIds };
}

async function requireVector(
  db: Database,
  accountId: string,
  id: string,
  vectors: readonly SeedVector[],
): Promise<void> {
  if (vectors.some(({ jobId }) => jobId === id)) return;
  requireJob(await findJob(db, accountId, id));
  throw new AppError("conflict", { message: `Job ${id} has no vector: music.embedding makes one.` });
}

/** The one space that all jobs are in. Vectors of two spaces are never compared. */
function commonSpace(
  jobIds: readonly string[],
  vectors: readonly SeedVector[],
  asked: string | undefined,
): string {
  const shared = [...new Set(vectors.map(({ space }) => space))].filter((space) =>
    jobIds.every((id) => vectors.some((seed) => seed.jobId === id && seed.space === space)),
  );
  const [first, ...others] = shared.filter((space) => asked === undefined || space === asked);
  if (first === undefined)
    throw new AppError("conflict", {
      message: "The jobs' vectors are not of one space, or not of the one that is named.",
      detail: { spaces: [...new Set(vectors.map(({ space }) => space))] },
    });
  if (others.length > 0) throw invalid("/space", `Say which of ${shared.join(", ")}`);
  return first;
}

/** Of the mean of vectors; those of jobs are stored with length 1. */
function directionOf(vectors: readonly (readonly number[])[], pointer: string): number[] {
  const sum = (vectors[0] ?? []).map((_, i) => vectors.reduce((total, one) => total + (one[i] ?? 0), 0));
  const length = Math.hypot(...sum);
  if (length === 0 || length === Infinity) throw invalid(pointer, "It has no direction");
  return sum.map((value) => value / length);
}
