import { startQueue } from "@earshot/cli/stack/queue";

/** A real SQS server in this process, which a test can stop and start again where clients look for it. */
export interface TestQueue extends AsyncDisposable {
  endpoint: string;
  url: string;
  deadLetterUrl: string;
  stop(): Promise<void>;
  /** Same port, same queues, no messages: what a restart of the embedded stack's queue does. */
  restart(): Promise<void>;
}

export async function startTestQueue(
  options: { visibilityTimeoutSeconds?: number } = {},
): Promise<TestQueue> {
  let running = await startQueue({ port: 0, ...options });
  const { port, endpoint, url, deadLetterUrl } = running;
  const stop = () => running.stop();
  const restart = async () => {
    await stop();
    running = await startQueue({ port, ...options });
  };
  return { endpoint, url, deadLetterUrl, stop, restart, [Symbol.asyncDispose]: stop };
}
