import { countHeard, frameStart, HOP_FRAMES, isHeard, SEGMENTATION, surestOf } from "./segmentation.ts";

/** One window of the segmentation, with the speaker of the whole file that each of its three is; -1 for none. */
export interface HeardWindow {
  codes: Uint8Array;
  speakers: readonly number[];
}

/** Frames [start, end) of the grid. */
export interface FrameTurn {
  start: number;
  end: number;
  speaker: number;
}

export interface TurnOptions {
  /** Frames of the grid in all. */
  frames: number;
  /** Speakers of the whole file. */
  speakers: number;
  minTurnFrames: number;
  minGapFrames: number;
}

export interface Turns {
  /** Each speaker's, in the order of their start. They may overlap. */
  turns: FrameTurn[];
  /** Who has the floor: at each moment of `turns` one of those who speak. */
  exclusive: FrameTurn[];
}

/** All windows that see a frame vote on how many speak there and who. */
export function turnsOf(windows: readonly HeardWindow[], options: TurnOptions): Turns {
  const { spoken, surest } = vote(windows, options);
  const turns = spoken
    .flatMap((turn) => smoothed(turn, options))
    .toSorted((a, b) => a.start - b.start || b.end - a.end || a.speaker - b.speaker);
  return { turns, exclusive: exclusiveOf(turns, surest) };
}

/** Where a turn begins and ends. @param samples Of the whole file: where its last frame ends. */
export function secondsOf(turn: FrameTurn, frames: number, samples: number): { start: number; end: number } {
  const end = turn.end >= frames ? samples : frameStart(turn.end);
  return {
    start: frameStart(turn.start) / SEGMENTATION.sampleRateHz,
    end: end / SEGMENTATION.sampleRateHz,
  };
}

/** By speaker, the frames of their turns; by frame, the speaker whose voice is the surest, or -1. */
function vote(windows: readonly HeardWindow[], { frames, speakers }: TurnOptions) {
  const spoken: FrameTurn[][] = Array.from({ length: speakers }, () => []);
  const surest = new Int16Array(frames).fill(-1);
  const votes = new Float64Array(speakers);
  for (let frame = 0; frame < frames; frame++) {
    votes.fill(0);
    const first = Math.max(0, Math.ceil((frame - SEGMENTATION.frames + 1) / HOP_FRAMES));
    const last = Math.min(windows.length - 1, Math.floor(frame / HOP_FRAMES));
    let heard = 0;
    for (let index = first; index <= last; index++) {
      const window = windows[index];
      const code = window?.codes[frame - index * HOP_FRAMES] ?? 0;
      heard += countHeard(code);
      for (const [local, speaker] of window?.speakers.entries() ?? []) {
        // A voice that is surer than the other counts a little more: it decides where the votes are even.
        if (speaker >= 0 && isHeard(code, local)) votes[speaker] = at(votes, speaker) + voteOf(code, local);
      }
    }
    const count = Math.round(heard / (last - first + 1));
    const ranked = [...votes.entries()].filter(([, sum]) => sum > 0).toSorted(([, a], [, b]) => b - a);
    surest[frame] = ranked[0]?.[0] ?? -1;
    for (const [speaker] of ranked.slice(0, count)) extend(spoken[speaker] ?? [], frame, speaker);
  }
  return { spoken, surest };
}

function voteOf(code: number, local: number): number {
  return surestOf(code) === local ? 1.01 : 1;
}

function extend(turns: FrameTurn[], frame: number, speaker: number): void {
  const last = turns.at(-1);
  if (last?.end === frame) last.end = frame + 1;
  else turns.push({ start: frame, end: frame + 1, speaker });
}

/** One speaker's turns without short gaps, and then without short turns. */
function smoothed(turns: readonly FrameTurn[], { minTurnFrames, minGapFrames }: TurnOptions): FrameTurn[] {
  const joined: FrameTurn[] = [];
  for (const turn of turns) {
    const last = joined.at(-1);
    if (last !== undefined && turn.start - last.end < minGapFrames) last.end = turn.end;
    else joined.push({ ...turn });
  }
  return joined.filter(({ start, end }) => end - start >= minTurnFrames);
}

/** Between two edges of turns the same speakers speak: the floor is theirs who is the surest in most of its frames, or who began first. */
function exclusiveOf(turns: readonly FrameTurn[], surest: Int16Array): FrameTurn[] {
  const edges = [...new Set(turns.flatMap(({ start, end }) => [start, end]))].toSorted((a, b) => a - b);
  const exclusive: FrameTurn[] = [];
  let open: FrameTurn[] = [];
  let next = 0;
  for (const [index, start] of edges.entries()) {
    open = open.filter(({ end }) => end > start);
    for (let turn = turns[next]; turn !== undefined && turn.start <= start; turn = turns[next]) {
      open.push(turn);
      next += 1;
    }
    const end = edges[index + 1] ?? start;
    const speaker = floorOf(open, surest.subarray(start, end));
    if (speaker === null) continue;
    const last = exclusive.at(-1);
    if (last?.end === start && last.speaker === speaker) last.end = end;
    else exclusive.push({ start, end, speaker });
  }
  return exclusive;
}

function floorOf(open: readonly FrameTurn[], surest: Int16Array): number | null {
  let best: { speaker: number; frames: number } | null = null;
  for (const { speaker } of open) {
    const frames = surest.reduce((sum, one) => sum + Number(one === speaker), 0);
    if (best === null || frames > best.frames) best = { speaker, frames };
  }
  return best?.speaker ?? null;
}

/** `index` is within the array: it is a speaker's. */
function at(values: Float64Array, index: number): number {
  return values[index] as number;
}
