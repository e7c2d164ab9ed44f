import * as z from "zod";
import { deviceName } from "./device.ts";
import type { GenerateRequest, GenerateResult, ScanRequest, ScanResult, Tensors } from "./inference.ts";
import type { ModelSpec } from "./manifest.ts";

/** A lane's command line: what it needs before the first message. */
export const laneArguments = z.tuple([z.coerce.number().int().positive(), deviceName]);

export type LoadCall = { kind: "load"; spec: ModelSpec; path: string; bytes: number };
export type UnloadCall = { kind: "unload"; modelId: string };
/** Several streams at once, step by step; `width` is how many rows the model is given, unused ones included. */
export type ScanCall = { kind: "scan"; modelId: string; streams: readonly ScanRequest[]; width: number };
export type RunCall = { kind: "run"; modelId: string; feeds: Tensors };

export type GenerateCall = { kind: "generate"; modelId: string; request: GenerateRequest };

/** Whether it still answers. */
export type PingCall = { kind: "ping" };

/** What a lane can be asked. One call at a time: the next is sent once the last was answered. */
export type LaneCall = LoadCall | UnloadCall | ScanCall | RunCall | GenerateCall | PingCall;

/** What each kind of call is answered with. */
export interface LaneAnswers {
  load: null;
  unload: null;
  /** In the order of the streams. */
  scan: ScanResult[];
  run: Tensors;
  generate: GenerateResult;
  ping: null;
}

export type LaneAnswer = LaneAnswers[keyof LaneAnswers];

/** A lane says "ready" once, when onnxruntime is loaded; then one message for each call, with the memory it has now. */
export type LaneMessage =
  | { kind: "ready" }
  | { kind: "answer"; answer: LaneAnswer; rssBytes: number }
  | { kind: "failure"; message: string };
