import { audioBucket } from "./audio-bucket.ts";
import { boxRole } from "./box-role.ts";
import { jobsQueue } from "./jobs-queue.ts";
import { settings } from "./settings.ts";

const region = aws.getRegionOutput().region;

/** What the Worker reads of its surroundings and everybody may know; secrets.ts has the rest. */
export const environment = {
  EARSHOT_ENV: "production",
  EARSHOT_PUBLIC_URL: `https://${settings.domain}`,
  EARSHOT_QUEUE_URL: jobsQueue.url,
  EARSHOT_QUEUE_REGION: region,
  EARSHOT_BLOBS: $interpolate`s3://${audioBucket.name}?region=${region}`,
  EARSHOT_CORS_ORIGINS: settings.corsOrigins.join(","),
  EARSHOT_BOX_ROLE_ARN: boxRole.arn,
  EARSHOT_BOX_DATABASE_URL: `postgres://${settings.databaseHost}:${settings.databasePort}/${settings.databaseName}?sslmode=verify-full`,
};
