import type {
  Limits,
  Me,
  Model,
  ModelList,
  Queries,
  SimilarJobs,
  SimilarRequest,
  Usage,
} from "./api-types.ts";
import { Boxes } from "./boxes.ts";
import { Events } from "./events.ts";
import { Jobs } from "./jobs.ts";
import { Transport } from "./transport.ts";
import type { CallOptions, TransportOptions } from "./transport.ts";
import { Uploads } from "./uploads.ts";
import { WebhookEndpoints } from "./webhook-endpoints.ts";
import { unwrap } from "./webhooks.ts";

type Credential = TransportOptions["credential"];

export type EarshotOptions = Omit<TransportOptions, "credential"> &
  ({ apiKey: Credential; token?: undefined } | { token: Credential; apiKey?: undefined });

/** A client of one Earshot API. */
export class Earshot {
  readonly uploads: Uploads;
  readonly jobs: Jobs;
  readonly webhookEndpoints: WebhookEndpoints;
  readonly events: Events;
  readonly boxes: Boxes;
  readonly webhooks = { unwrap };
  readonly #transport: Transport;

  constructor({ apiKey, token, ...options }: EarshotOptions) {
    const credential = apiKey ?? token;
    if (credential === undefined || credential === "") throw new TypeError("Give an apiKey or a token.");
    this.#transport = new Transport({ ...options, credential });
    this.uploads = new Uploads(this.#transport);
    this.jobs = new Jobs(this.#transport);
    this.webhookEndpoints = new WebhookEndpoints(this.#transport);
    this.events = new Events(this.#transport);
    this.boxes = new Boxes(this.#transport);
  }

  /** Whose credential this is, and what it may do. */
  me({ signal }: CallOptions = {}): Promise<Me> {
    return this.#transport.json({ method: "GET", path: "/v1/me", signal });
  }

  /** Ends the session whose token this client has. @throws ApiError for any other credential. */
  async signOut({ signal }: CallOptions = {}): Promise<void> {
    await this.#transport.json({ method: "POST", path: "/v1/auth/logout", isRepeatable: true, signal });
  }

  /** How much the account may ask, and how much of it is used. */
  limits({ signal }: CallOptions = {}): Promise<Limits> {
    return this.#transport.json({ method: "GET", path: "/v1/limits", signal });
  }

  usage(query: Queries["GET /v1/usage"] = {}, { signal }: CallOptions = {}): Promise<Usage> {
    return this.#transport.json({ method: "GET", path: "/v1/usage", query, signal });
  }

  readonly search = {
    /** Jobs whose audio is like that of others, the most like it first. */
    similar: (request: SimilarRequest, { signal }: CallOptions = {}): Promise<SimilarJobs> =>
      this.#transport.json({
        method: "POST",
        path: "/v1/search/similar",
        json: request,
        isRepeatable: true,
        signal,
      }),
  };

  readonly models = {
    list: ({ signal }: CallOptions = {}): Promise<ModelList> =>
      this.#transport.json({ method: "GET", path: "/v1/models", signal }),
    get: (id: string, { signal }: CallOptions = {}): Promise<Model> =>
      this.#transport.json({ method: "GET", path: `/v1/models/${encodeURIComponent(id)}`, signal }),
  };
}
