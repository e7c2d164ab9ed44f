import { utf8 } from "@earshot/shared/crypto/bytes";

export interface ServerEvent {
  id: string;
  event: string;
  /** Sent as JSON, which has no line breaks of its own. */
  data: object;
}

export interface EventStreamOptions {
  /** After this long without an event a comment is sent: proxies close what is silent, and a dead line is noticed. */
  heartbeatMs: number;
  /** The client went away: now the events must end. */
  onLeave(): void;
  /** The events failed: the stream ends, and the client comes back and goes on where it was. */
  onError(error: unknown): void;
}

/** How long a client waits before it comes back. */
const RETRY_MS = 2_000;

/** Server-sent events (WHATWG HTML, section 9.2). Nothing is made before it is asked for: a slow client costs no memory. */
export function eventStream(
  events: AsyncGenerator<ServerEvent, void>,
  { heartbeatMs, onLeave, onError }: EventStreamOptions,
): ReadableStream<Uint8Array> {
  const chunks = chunksOf(events, heartbeatMs);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { value } = await chunks.next();
        if (value === undefined) controller.close();
        else controller.enqueue(utf8(value));
      } catch (error) {
        onError(error);
        controller.close();
      }
    },
    cancel: onLeave,
  });
}

async function* chunksOf(
  events: AsyncGenerator<ServerEvent, void>,
  heartbeatMs: number,
): AsyncGenerator<string, void> {
  yield `retry: ${RETRY_MS}\n\n`;
  for (let next = events.next(); ;) {
    const heard = await within(next, heartbeatMs);
    if (heard === null) {
      yield ": heartbeat\n\n";
      continue;
    }
    if (heard.done) return;
    yield textOf(heard.value);
    next = events.next();
  }
}

function textOf({ id, event, data }: ServerEvent): string {
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** The answer, or null when it takes longer. */
async function within<Answer>(work: Promise<Answer>, ms: number): Promise<Answer | null> {
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(() => late.resolve(null), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
