import type {
  Delivery,
  DeliveryList,
  Event,
  EventList,
  EventListenAnswer,
  EventListenRequest,
  Queries,
  Redelivered,
  Redelivery,
} from "./api-types.ts";
import { ApiError, ConnectionError } from "./errors.ts";
import { itemsOf } from "./pages.ts";
import { LONGEST_PAUSE_MS, pause } from "./retry.ts";
import type { CallOptions, Transport } from "./transport.ts";

/** An event as a delivery would bring it: its very bytes, and headers signed with the listener's own secret. */
export type HeardEvent = EventListenAnswer["data"][number];

export interface ListenOptions extends CallOptions {
  /** `whsec_…`, made for this session: whoever gets the events passed on can verify them with it. */
  secret: string;
  /** `sequence` of the last event that was heard. Default: from now on. */
  after?: number | undefined;
  types?: EventListenRequest["types"];
  /** The API did not answer; it is asked again, for ever. */
  onTrouble?: ((error: Error) => void) | undefined;
}

const WAIT_SECONDS = 25;
const FIRST_PAUSE_MS = 500;

export class Events {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The newest first. */
  list(query: Queries["GET /v1/events"] = {}, { signal }: CallOptions = {}): AsyncGenerator<Event, void> {
    return itemsOf((cursor) =>
      this.#transport.json<EventList>({
        method: "GET",
        path: "/v1/events",
        query: { ...query, ...(cursor !== undefined && { cursor }) },
        signal,
      }),
    );
  }

  get(id: string, { signal }: CallOptions = {}): Promise<Event> {
    return this.#transport.json({ method: "GET", path: pathOf(id), signal });
  }

  /** Where it was sent, with every attempt and the time of the next one. */
  async deliveries(id: string, { signal }: CallOptions = {}): Promise<Delivery[]> {
    const path = `${pathOf(id)}/deliveries`;
    const { data } = await this.#transport.json<DeliveryList>({ method: "GET", path, signal });
    return data;
  }

  /** Sends it once more, under the same `webhook-id`. */
  redeliver(id: string, to: Redelivery = {}, { signal }: CallOptions = {}): Promise<Redelivered> {
    return this.#transport.json({ method: "POST", path: `${pathOf(id)}/redeliver`, json: to, signal });
  }

  /**
   * The account's events as they happen, where no webhook can reach: by requests that wait. It outlives restarts of the API
   * and ends with the signal, or when the API refuses. @throws ApiError; the signal's reason.
   */
  async *listen({
    secret,
    after,
    types,
    onTrouble,
    signal,
  }: ListenOptions): AsyncGenerator<HeardEvent, void> {
    let last = after;
    for (let failures = 0; ;) {
      try {
        const json: EventListenRequest = {
          secret,
          after: last,
          types,
          wait: last === undefined ? 0 : WAIT_SECONDS,
        };
        const heard = await this.#askOnce(json, signal);
        failures = 0;
        yield* heard.data;
        last = heard.next_after;
      } catch (error) {
        signal?.throwIfAborted();
        if (!isTrouble(error)) throw error;
        onTrouble?.(error);
        await pause(Math.min(FIRST_PAUSE_MS * 2 ** failures++, LONGEST_PAUSE_MS / 6), signal);
      }
    }
  }

  /** Listening changes nothing: it may be repeated. The first answer only says where "now" is. */
  #askOnce(json: EventListenRequest, signal: AbortSignal | undefined): Promise<EventListenAnswer> {
    const request = {
      method: "POST",
      path: "/v1/events/listen",
      json,
      waitSeconds: json.wait,
      signal,
    } as const;
    return this.#transport.json(request);
  }
}

function isTrouble(error: unknown): error is ApiError | ConnectionError {
  return (
    error instanceof ConnectionError ||
    (error instanceof ApiError && (error.status >= 500 || error.status === 429))
  );
}

function pathOf(id: string): string {
  return `/v1/events/${encodeURIComponent(id)}`;
}
