import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parseManifest } from "../manifest.ts";
import type { ModelSpec } from "../manifest.ts";
import type { Fetch } from "../pull-model.ts";

export interface ToyModel {
  id: string;
  /** By file name, the graph first. */
  files: Readonly<Record<string, string>>;
  /** What its entry says besides, such as `needs`. */
  more?: Readonly<Record<string, unknown>>;
}

/** Entries of models whose weights are a few words, from https://models.example. */
export function toyManifest(toys: readonly ToyModel[]): ModelSpec[] {
  const models = toys.map(({ id, files, more = {} }) => ({
    id,
    version: "1",
    task: "speech.segments",
    files: Object.entries(files).map(([name, weights]) => ({
      name,
      sha256: createHash("sha256").update(weights).digest("hex"),
      bytes: weights.length,
      url: `https://models.example/${name}`,
    })),
    licence: "MIT",
    licence_url: "https://models.example/licence",
    inputs: { x: { type: "float32", shape: [1] } },
    outputs: { y: { type: "float32", shape: [1] } },
    ...more,
  }));
  return parseManifest({ models });
}

/** A server here that stands for https://models.example. */
export interface FarSide extends AsyncDisposable {
  fetch: Fetch;
  /** The paths that were asked for, without their slash. */
  asked: string[];
}

export async function openFarSide(
  answer: (name: string, response: ServerResponse) => void,
): Promise<FarSide> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const name = (request.url ?? "").slice(1);
    asked.push(name);
    answer(name, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  // A server that listens on a port has an address with that port.
  const { port } = server.address() as AddressInfo;
  return {
    asked,
    fetch: (url, init) => fetch(url.replace("https://models.example", `http://127.0.0.1:${port}`), init),
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
