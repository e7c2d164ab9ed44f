import { LONG_SECONDS } from "@earshot/shared/metrics/registry";
import { Counter, Gauge, Histogram } from "prom-client";
import type { Registry } from "prom-client";
import type { JobSettled } from "./job-settled.ts";
import type { JobsAtWork } from "./jobs-at-work.ts";

/** In the order in which a job goes through them. */
const STAGES = ["claimed", "fetching", "decoding", "inferring", "finishing", "committing"];

export interface WorkerMetrics {
  jobSettled(settled: JobSettled): void;
}

export interface WorkerMetricsOptions {
  jobs: Pick<JobsAtWork, "list">;
  slots(): number;
}

/** What an inference worker tells Prometheus of its jobs. */
export function createWorkerMetrics(registry: Registry, options: WorkerMetricsOptions): WorkerMetrics {
  const registers = [registry];
  measureJobs(registry, options);
  const jobs = new Counter({
    name: "earshot_jobs_total",
    help: "Attempts that were settled, by task of the job and what became of the job.",
    labelNames: ["task", "outcome"],
    registers,
  });
  const attempts = new Counter({
    name: "earshot_job_attempts_total",
    help: "Attempts that were settled, by what became of the job and the code of the error.",
    labelNames: ["outcome", "error_code"],
    registers,
  });
  const phases = new Histogram({
    name: "earshot_job_phase_seconds",
    help: "Where the time of an attempt went.",
    labelNames: ["phase"],
    buckets: LONG_SECONDS,
    registers,
  });
  const seconds = new Histogram({
    name: "earshot_job_seconds",
    help: "From claim to commit.",
    buckets: LONG_SECONDS,
    registers,
  });
  const queueSeconds = new Histogram({
    name: "earshot_job_queue_seconds",
    help: "From submission to the first start.",
    buckets: LONG_SECONDS,
    registers,
  });
  const audioSeconds = new Counter({
    name: "earshot_audio_seconds_total",
    help: "Audio of jobs that gave results. Its rate is audio-seconds per second.",
    registers,
  });
  const inputBytes = new Counter({
    name: "earshot_input_bytes_total",
    help: "Bytes of inputs that were fetched.",
    registers,
  });
  return {
    jobSettled(settled) {
      const { outcome } = settled;
      for (const task of settled.tasks) jobs.inc({ task, outcome });
      attempts.inc({ outcome, error_code: settled.errorCode ?? "none" });
      seconds.observe(settled.seconds);
      for (const span of settled.phases) phases.observe({ phase: span.phase }, span.seconds);
      if (settled.attempt === 1 && settled.queueSeconds !== null) queueSeconds.observe(settled.queueSeconds);
      inputBytes.inc(settled.inputBytes ?? 0);
      if (outcome === "succeeded" || outcome === "partial") audioSeconds.inc(settled.audioSeconds ?? 0);
    },
  };
}

/** Asked at each scrape. */
function measureJobs(registry: Registry, { jobs, slots }: WorkerMetricsOptions): void {
  const registers = [registry];
  const inFlight = new Gauge({
    name: "earshot_jobs_in_flight",
    help: "Jobs at work in this process.",
    registers,
    collect() {
      inFlight.set(jobs.list().length);
    },
  });
  const atStage = new Gauge({
    name: "earshot_jobs_at_stage",
    help: "Jobs at work in this process, by how far they are.",
    labelNames: ["stage"],
    registers,
    collect() {
      const stages = jobs.list().map(({ progress }) => progress.stage);
      for (const stage of STAGES) atStage.set({ stage }, stages.filter((one) => one === stage).length);
    },
  });
  const room = new Gauge({
    name: "earshot_job_slots",
    help: "Jobs that this process has room for at once; 0 while no lane runs.",
    registers,
    collect() {
      room.set(slots());
    },
  });
}
