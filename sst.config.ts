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
    const { audioBucket } = await import("./infra/audio-bucket.ts");
    const { boxRole } = await import("./infra/box-role.ts");
    const { delivererUser } = await import("./infra/deliverer-user.ts");
    const { api } = await import("./infra/api.ts");
    await import("./infra/audio-protection.ts");
    await import("./infra/queue-alarms.ts");
    await import("./infra/api-alarm.ts");
    await import("./infra/deliveries-alarm.ts");
    return {
      url: api.url,
      jobsQueueUrl: jobsQueue.url,
      deadLettersUrl: deadLetters.url,
      bucket: audioBucket.name,
      boxRole: boxRole.arn,
      delivererUser: delivererUser.name,
    };
  },
});
