import type { Log } from "@earshot/shared/log";
import type { Device } from "./device.ts";
import type { Registry } from "./registry.ts";

/** When a lane that works is replaced all the same. */
export interface RecycleLimits {
  /** After so many calls. */
  calls: number;
  /** When its memory is above this after a call. On a GPU a lane's memory is never given back otherwise. */
  rssBytes: number;
}

/** What may change while lanes work. */
export interface PoolLimits {
  /** How many processes run models side by side. */
  count: number;
  recycle?: RecycleLimits | undefined;
  /** What the models of one lane may take up, by their files. The one that was used longest ago makes room. */
  modelBytes?: number | undefined;
}

export interface PoolOptions extends PoolLimits {
  /** Threads of one model run in one lane. */
  threads: number;
  device: Device;
  registry: Registry;
  log: Log;
  /** Models that every lane loads before it takes calls. Others are loaded by the first call that needs them. */
  preload?: readonly string[];
  /** How long one call may run, loading its model included. Waiting for a free lane does not count. */
  callTimeoutMs?: number;
  /** How often a lane without work is asked whether it still answers. */
  pingEveryMs?: number;
  pingTimeoutMs?: number;
  /** The whole environment of a lane. On a GPU the driver may want `LD_LIBRARY_PATH`. */
  env?: Readonly<Record<string, string>>;
}
