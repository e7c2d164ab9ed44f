import type {
  AccountWebhookSecret,
  Queries,
  WebhookEndpoint,
  WebhookEndpointAttempt,
  WebhookEndpointAttemptList,
  WebhookEndpointChange,
  WebhookEndpointList,
  WebhookEndpointRequest,
  WebhookEndpointWithSecret,
  WebhookRecovered,
  WebhookRecovery,
  WebhookSecretRotation,
  WebhookTest,
} from "./api-types.ts";
import { itemsOf } from "./pages.ts";
import type { CallOptions, Transport } from "./transport.ts";

type AttemptQuery = Queries["GET /v1/webhook-endpoints/{id}/attempts"];

const PATH = "/v1/webhook-endpoints";

/** Where an account's events are posted to. What makes a secret or sends something is never repeated unasked. */
export class WebhookEndpoints {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** With its secret, which is shown this once. */
  create(request: WebhookEndpointRequest, { signal }: CallOptions = {}): Promise<WebhookEndpointWithSecret> {
    return this.#transport.json({ method: "POST", path: PATH, json: request, signal });
  }

  async list({ signal }: CallOptions = {}): Promise<WebhookEndpoint[]> {
    const { data } = await this.#transport.json<WebhookEndpointList>({ method: "GET", path: PATH, signal });
    return data;
  }

  get(id: string, { signal }: CallOptions = {}): Promise<WebhookEndpoint> {
    return this.#transport.json({ method: "GET", path: pathOf(id), signal });
  }

  update(id: string, change: WebhookEndpointChange, { signal }: CallOptions = {}): Promise<WebhookEndpoint> {
    return this.#transport.json({ method: "PATCH", path: pathOf(id), json: change, signal });
  }

  async delete(id: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#transport.json({ method: "DELETE", path: pathOf(id), signal });
  }

  /** Until the grace ends both secrets sign: give `unwrap` both. */
  rotateSecret(
    id: string,
    rotation: WebhookSecretRotation = {},
    { signal }: CallOptions = {},
  ): Promise<WebhookEndpointWithSecret> {
    const path = `${pathOf(id)}/rotate-secret`;
    return this.#transport.json({ method: "POST", path, json: rotation, signal });
  }

  /** The same for the account's secret, which signs what jobs without a `webhook.secret` announce to their own URL. */
  rotateAccountSecret(
    rotation: WebhookSecretRotation = {},
    { signal }: CallOptions = {},
  ): Promise<AccountWebhookSecret> {
    const path = "/v1/account/rotate-webhook-secret";
    return this.#transport.json({ method: "POST", path, json: rotation, signal });
  }

  /** Sends a `webhook.test` event; `events.deliveries` of its id shows what came of it. */
  test(id: string, { signal }: CallOptions = {}): Promise<WebhookTest> {
    return this.#transport.json({ method: "POST", path: `${pathOf(id)}/test`, signal });
  }

  /** Sends what failed, or came while the endpoint was disabled, once more. Again while `has_more`. */
  recover(id: string, range: WebhookRecovery, { signal }: CallOptions = {}): Promise<WebhookRecovered> {
    return this.#transport.json({ method: "POST", path: `${pathOf(id)}/recover`, json: range, signal });
  }

  /** Every attempt, the newest first. */
  attempts(
    id: string,
    query: AttemptQuery = {},
    { signal }: CallOptions = {},
  ): AsyncGenerator<WebhookEndpointAttempt, void> {
    const path = `${pathOf(id)}/attempts`;
    return itemsOf((cursor) =>
      this.#transport.json<WebhookEndpointAttemptList>({
        method: "GET",
        path,
        query: { ...query, ...(cursor !== undefined && { cursor }) },
        signal,
      }),
    );
  }
}

function pathOf(id: string): string {
  return `${PATH}/${encodeURIComponent(id)}`;
}
