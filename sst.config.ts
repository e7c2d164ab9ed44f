/// <reference path="./.sst/platform/config.d.ts" />

export default $config({
  app: (input) => ({
    name: "earshot",
    home: "aws",
    protect: input.stage === "production",
    removal: input.stage === "production" ? "retain" : "remove",
    providers: { aws: { version: "7.20.0" }, cloudflare: "6.15.0" },
  }),
  async run() {
    const { jobsQueue, deadLetters } = await import("./infra/jobs-queue.ts");
    return { jobsQueueUrl: jobsQueue.url, deadLettersUrl: deadLetters.url };
  },
});
