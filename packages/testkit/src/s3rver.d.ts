declare module "@20minutes/s3rver" {
  import type { AddressInfo, Server } from "node:net";

  /** The part of it that tests use; it ships no types. */
  export default class S3rver {
    httpServer: Server & { closeAllConnections(): void };
    constructor(options: {
      address: string;
      port: number;
      directory: string;
      silent: boolean;
      configureBuckets: { name: string }[];
    });
    run(): Promise<AddressInfo>;
    close(): Promise<void>;
  }
}
