/** What one pair of timestamps encloses. Seconds from the start of the window. */
export interface Segment {
  start: number;
  end: number;
  tokens: number[];
  /** Natural logarithms, one a token. */
  logprobs: number[];
}

/** Seconds between a timestamp and the next. */
const STEP_SECONDS = 0.02;

/**
 * The segments of what a window was decoded to. A last one whose end was not said ends with the window. Text tokens are below
 * `end`; times are from `firstTime` on.
 */
export function segmentsOf(
  { tokens, logprobs }: { tokens: readonly number[]; logprobs: readonly number[] },
  { end, firstTime }: { end: number; firstTime: number },
  windowSeconds: number,
): Segment[] {
  const segments: Segment[] = [];
  let open: Segment = { start: 0, end: windowSeconds, tokens: [], logprobs: [] };
  const close = (time: number) => {
    if (open.tokens.length > 0) segments.push({ ...open, end: Math.max(open.start, time) });
    open = { start: time, end: windowSeconds, tokens: [], logprobs: [] };
  };
  for (const [i, token] of tokens.entries()) {
    if (token >= firstTime) close(Math.min(windowSeconds, (token - firstTime) * STEP_SECONDS));
    if (token >= end) continue;
    open.tokens.push(token);
    open.logprobs.push(logprobs[i] ?? 0);
  }
  close(windowSeconds);
  return segments;
}
