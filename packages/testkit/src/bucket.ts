import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import S3rver from "@20minutes/s3rver";

/**
 * A bucket in this process that checks signatures, of what is signed at all. It does not compare checksums and part
 * tags, and knows neither lists of multipart uploads nor their end.
 */
export interface TestBucket extends AsyncDisposable {
  /** As in `EARSHOT_BLOBS`. */
  location: string;
  /** As in `EARSHOT_BLOBS_CREDENTIALS`. */
  credentials: string;
  port: number;
  /** Of every object in it. */
  keys(): Promise<string[]>;
  stop(): Promise<void>;
}

const NAME = "earshot-test";
/** How s3rver names the file of an object. */
const OBJECT = "._S3rver_object";
/** The only ones that it knows. */
const CREDENTIALS = "S3RVER:S3RVER";

export async function startTestBucket(): Promise<TestBucket> {
  const directory = await mkdtemp(join(tmpdir(), "earshot-test-bucket-"));
  const server = new S3rver({
    address: "127.0.0.1",
    port: 0,
    directory,
    silent: true,
    configureBuckets: [{ name: NAME }],
  });
  const { port } = await server.run();
  const stop = async () => {
    const closed = server.close();
    server.httpServer.closeAllConnections();
    await closed;
    await rm(directory, { recursive: true, force: true });
  };
  const endpoint = encodeURIComponent(`http://127.0.0.1:${port}`);
  return {
    location: `s3://${NAME}?endpoint=${endpoint}&region=us-east-1`,
    credentials: CREDENTIALS,
    port,
    async keys() {
      const files = await readdir(join(directory, NAME), { recursive: true });
      return files.filter((file) => file.endsWith(OBJECT)).map((file) => file.slice(0, -OBJECT.length));
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
