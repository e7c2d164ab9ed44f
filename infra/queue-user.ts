import { credentialsOf } from "./credentials.ts";
import { jobsQueue } from "./jobs-queue.ts";
import { userWith } from "./policies.ts";

/** The API rings, and does nothing else to the queue. */
const user = userWith("ApiQueue", [{ Action: ["sqs:SendMessage"], Resource: [jobsQueue.arn] }]);

export const queueCredentials = credentialsOf("ApiQueue", user);
