import type { Box, BoxEnrolment, BoxEnrolmentRequest, BoxList } from "./api-types.ts";
import { itemsOf } from "./pages.ts";
import type { CallOptions, Transport } from "./transport.ts";

const PATH = "/v1/boxes";

/** The machines that do the work. */
export class Boxes {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** A code that lets one machine in. It is shown this once. */
  invite(request: BoxEnrolmentRequest, { signal }: CallOptions = {}): Promise<BoxEnrolment> {
    return this.#transport.json({ method: "POST", path: `${PATH}/enrolments`, json: request, signal });
  }

  /** All that this account let in, the newest first. */
  list({ signal }: CallOptions = {}): AsyncGenerator<Box, void> {
    return itemsOf((cursor) =>
      this.#transport.json<BoxList>({
        method: "GET",
        path: PATH,
        query: { ...(cursor !== undefined && { cursor }) },
        signal,
      }),
    );
  }

  /** Its login and its sessions end at once. */
  async revoke(id: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#transport.json({ method: "DELETE", path: `${PATH}/${encodeURIComponent(id)}`, signal });
  }
}
