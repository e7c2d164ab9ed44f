import type { Command } from "commander";
import type { SimilarJobs, SimilarRequest } from "@earshot/sdk";
import { usageError } from "./command-error.ts";
import { connect } from "./connection.ts";
import type { ConnectionOptions } from "./connection.ts";
import { withConnection } from "./submit.ts";
import type { Terminal } from "./terminal.ts";

type SimilarOptions = ConnectionOptions & {
  limit?: string;
  space?: string;
  filter?: string;
  exact?: true;
  json?: true;
};

const EXAMPLES = `
Examples:
  earshot similar job_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD
  earshot similar job_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD job_01JAZ3P0C3D6F8G1H2J4K5M7N9 --limit 20
  earshot similar job_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD --filter '{"results": {"audio.features": {"tempo_bpm": {"min": 118, "max": 124}}}}'`;

/** `earshot similar`: what sounds like a job's audio, or like several taken together. */
export function addSimilar(program: Command, terminal: Terminal): void {
  withConnection(program.command("similar"))
    .description("Find jobs whose audio is like that of others (music.embedding)")
    .argument("<jobs...>", "the ids of 1 to 10 jobs")
    .option("--limit <count>", "how many at most, 1 to 100 (default: 10)")
    .option("--space <space>", "which of the jobs' vectors, where they have several")
    .option("--filter <json>", "which jobs may be found, as POST /v1/search/similar takes it")
    .option("--exact", "compare every vector, even where the space has an approximate index")
    .addHelpText("after", EXAMPLES)
    .action(async (jobIds: string[], options: SimilarOptions) => {
      const request: SimilarRequest = {
        job_ids: jobIds,
        ...(options.space !== undefined && { space: options.space }),
        ...(options.filter !== undefined && { filter: readFilter(options.filter) }),
        ...(options.exact && { exact: true }),
        ...(options.limit !== undefined && { limit: Number(options.limit) }),
      };
      const earshot = await connect(options, terminal.env);
      print(await earshot.search.similar(request, { signal: terminal.signal }), options, terminal);
    });
}

/** The API says what is wrong with a filter that is JSON. */
function readFilter(text: string): NonNullable<SimilarRequest["filter"]> {
  try {
    return JSON.parse(text) as NonNullable<SimilarRequest["filter"]>;
  } catch {
    throw usageError("--filter is not JSON.", { filter: text });
  }
}

function print(found: SimilarJobs, { json }: SimilarOptions, terminal: Terminal): void {
  if (json) return terminal.out(JSON.stringify(found));
  for (const { job_id: id, score, tags, metadata } of found.data) {
    const named = Object.values(metadata).concat(tags["artist"] ?? [], tags["title"] ?? []);
    terminal.out([id, score.toFixed(4), ...named].join("  "));
  }
  if (!found.exact) terminal.err("From an index, which may miss some: --exact compares every vector.");
  if (found.data.length === 0) terminal.err("Nothing is like it.");
}
