import http from "node:http";
import https from "node:https";

/** Connections that are kept for the next request to the same host and the same checked addresses. */
export interface Agents {
  "http:": http.Agent;
  "https:": https.Agent;
  /** Cuts what is kept. */
  close(): void;
}

/** What a request says of itself to the agent. */
export interface PinnedTo {
  pinnedTo?: string;
}

// Well under what servers keep an idle connection for: the fewer requests meet one that is just being closed.
const IDLE_MS = 4_000;
const OPTIONS = { keepAlive: true, maxFreeSockets: 8, timeout: IDLE_MS, scheduling: "lifo" } as const;

export function createAgents(): Agents {
  const plain = new PinnedHttpAgent(OPTIONS);
  const secure = new PinnedHttpsAgent(OPTIONS);
  return {
    "http:": plain,
    "https:": secure,
    close() {
      plain.destroy();
      secure.destroy();
    },
  };
}

// A connection is found by its name. With the addresses in it, one that leads to an address which the name no longer has, or
// which is no longer allowed, is never found again.

class PinnedHttpAgent extends http.Agent {
  override getName(options?: Parameters<http.Agent["getName"]>[0] & PinnedTo): string {
    return `${super.getName(options)}:${options?.pinnedTo}`;
  }
}

class PinnedHttpsAgent extends https.Agent {
  override getName(options?: https.RequestOptions & PinnedTo): string {
    return `${super.getName(options)}:${options?.pinnedTo}`;
  }
}
