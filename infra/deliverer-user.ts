import { audioBucket } from "./audio-bucket.ts";
import { userWith } from "./policies.ts";

/**
 * The deliverer sweeps blobs away and knows nothing of the queue. Its key is made by hand, on the machine that it is for:
 * an output of a deploy would show it.
 */
export const delivererUser = userWith("Deliverer", [
  {
    Action: ["s3:DeleteObject"],
    Resource: [$interpolate`${audioBucket.arn}/uploads/*`, $interpolate`${audioBucket.arn}/results/*`],
  },
]);
