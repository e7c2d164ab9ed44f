import type { Me, Model, ModelList } from "./api-types.ts";
import { Jobs } from "./jobs.ts";
import { Transport } from "./transport.ts";
import type { CallOptions, TransportOptions } from "./transport.ts";
import { Uploads } from "./uploads.ts";
import { unwrap } from "./webhooks.ts";

type Credential = TransportOptions["credential"];

export type EarshotOptions = Omit<TransportOptions, "credential"> &
  ({ apiKey: Credential; token?: undefined } | { token: Credential; apiKey?: undefined });

/** A client of one Earshot API. */
export class Earshot {
  readonly uploads: Uploads;
  readonly jobs: Jobs;
  readonly webhooks = { unwrap };
  readonly #transport: Transport;

  constructor({ apiKey, token, ...options }: EarshotOptions) {
    const credential = apiKey ?? token;
    if (credential === undefined || credential === "") throw new TypeError("Give an apiKey or a token.");
    this.#transport = new Transport({ ...options, credential });
    this.uploads = new Uploads(this.#transport);
    this.jobs = new Jobs(this.#transport);
  }

  /** Whose credential this is, and what it may do. */
  me({ signal }: CallOptions = {}): Promise<Me> {
    return this.#transport.json({ method: "GET", path: "/v1/me", signal });
  }

  readonly models = {
    list: ({ signal }: CallOptions = {}): Promise<ModelList> =>
      this.#transport.json({ method: "GET", path: "/v1/models", signal }),
    get: (id: string, { signal }: CallOptions = {}): Promise<Model> =>
      this.#transport.json({ method: "GET", path: `/v1/models/${encodeURIComponent(id)}`, signal }),
  };
}
