import type { BlobStore } from "@earshot/shared/blobs/blob-store";
import type { ResultSealKey } from "@earshot/shared/crypto/result-keys";
import type { OpenDatabase } from "@earshot/shared/db/database";
import type { Caller } from "../caller.ts";
import type { RequestOptions } from "../request.ts";

/** The API as a client sees it, in whatever runtime, and what lies behind it. */
export interface FrontDoor extends AsyncDisposable {
  caller: Caller;
  /** As the owner of the tables: for what workers do, and for looking behind the door. */
  owner: OpenDatabase;
  addCaller(options?: { scopes?: string[] }): Promise<Caller>;
  send(method: string, path: string, options?: RequestOptions): Promise<Response>;
  /** To a URL that the API signed, without a key. */
  put(url: string, options: RequestOptions): Promise<Response>;
  /** The jobs that the workers were told of since this was last asked. */
  heardJobIds(): Promise<string[]>;
}

/** Where results lie, and what a worker seals them with. */
export interface ResultRoom {
  blobs: Pick<BlobStore, "write">;
  resultSealKey: ResultSealKey;
}

export type OpenFrontDoor = () => Promise<FrontDoor>;

/** One that clients which make their own requests can reach. */
export interface ReachableDoor extends FrontDoor {
  origin: string;
  /** To the API, and to what it signed. */
  fetch(url: string, init?: RequestInit): Promise<Response>;
}
