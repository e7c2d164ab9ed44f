import { askWorkers } from "@earshot/worker/status-socket";
import type { WorkerAnswer } from "@earshot/worker/status-socket";
import { workerStatus } from "@earshot/worker/worker-status";
import type { WorkerStatus } from "@earshot/worker/worker-status";
import { readStackConfig } from "../stack/stack-config.ts";
import { EXIT, missingError } from "./command-error.ts";
import type { ExitStatus } from "./command-error.ts";
import type { Terminal } from "./terminal.ts";

export interface WorkerStatusOptions {
  json?: true;
}

type Told = WorkerStatus | { socket: string; error: string };

/** @throws CommandError `missing` when no worker answers from this home. */
export async function showWorkers({ json }: WorkerStatusOptions, terminal: Terminal): Promise<ExitStatus> {
  const { home } = readStackConfig(terminal.env);
  const told = (await askWorkers(home.directory).catch(unreadable(home.directory))).map(parse);
  if (told.length === 0) {
    const advice = "Start one, or name the EARSHOT_HOME that it was started with.";
    throw missingError(`No worker answers in ${home.directory}. ${advice}`, { home: home.directory });
  }
  terminal.out(told.map((one) => (json ? JSON.stringify(one) : describe(one))).join("\n"));
  return told.every((one) => "state" in one && one.state !== "defunct") ? EXIT.done : EXIT.failed;
}

function unreadable(directory: string): (error: unknown) => never {
  return (error) => {
    const said = error instanceof Error ? error.message : String(error);
    throw missingError(`The workers of ${directory} can't be asked: ${said}`, { home: directory });
  };
}

/** A worker of another version may say something else. */
function parse(answer: WorkerAnswer): Told {
  if ("error" in answer) return answer;
  const parsed = workerStatus.safeParse(answer.said);
  return parsed.success ? parsed.data : { socket: answer.socket, error: "it is of another version" };
}

function describe(told: Told): string {
  if ("error" in told) return `${told.socket}: ${told.error}`;
  const { state, reason, device, fallback_from: fallback, lanes, versions, queue, reload } = told;
  const instead = fallback === null ? "" : ` (instead of ${fallback})`;
  const lines = [
    `${told.worker_id}  ${state}${reason === null ? "" : `: ${reason}`}`,
    `  device    ${device}${instead}`,
    `  lanes     ${lanes.alive} of ${lanes.wanted}, ${lanes.busy} at work, ${lanes.waiting} batches wait, ${mebibytes(lanes.memory_bytes)}; ${lanes.crashed} crashed, ${lanes.killed} killed, ${lanes.recycled} recycled`,
    `  models    ${told.models.map(({ model }) => model).join(", ") || "none loaded"}`,
    `  jobs      ${told.jobs.length} of ${told.slots}`,
    ...told.jobs.map(jobLine),
    `  queue     ${queue === null ? "the database does not answer" : `${queue.queued} wait, the oldest ${Math.round(queue.oldest_seconds)} s; ${queue.running} run on any worker`}`,
    `  versions  earshot ${versions.earshot}, node ${versions.node}, onnxruntime ${versions.onnxruntime}`,
    `  since     ${told.started_at}, process ${told.pid}`,
  ];
  return [...lines, ...(reload === null ? [] : [`  reload    ${reloadLine(reload)}`])].join("\n");
}

function jobLine({ id, tasks, attempt, stage, fraction, seconds }: WorkerStatus["jobs"][number]): string {
  const done = `${stage} ${Math.round(fraction * 100)} %`;
  return `            ${id}  ${done}, ${Math.round(seconds)} s, attempt ${attempt}, ${tasks.join(", ")}`;
}

function reloadLine({
  at,
  changed,
  need_restart: later,
  error,
}: NonNullable<WorkerStatus["reload"]>): string {
  if (error !== null) return `${at}, refused: ${error}`;
  const restart = later.length === 0 ? "" : `; ${later.join(", ")} need a restart`;
  return `${at}, ${changed.join(", ") || "nothing"} taken over${restart}`;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MiB`;
}
