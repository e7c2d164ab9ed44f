import { audioBucket } from "./audio-bucket.ts";
import { credentialsOf } from "./credentials.ts";
import { userWith } from "./policies.ts";

/** The API signs uploads and looks at them, reads results, and deletes both. */
const user = userWith("ApiBucket", [
  {
    Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
    Resource: [$interpolate`${audioBucket.arn}/uploads/*`],
  },
  { Action: ["s3:GetObject", "s3:DeleteObject"], Resource: [$interpolate`${audioBucket.arn}/results/*`] },
  // Without it S3 says 403 where it means that an object isn't there.
  { Action: ["s3:ListBucket"], Resource: [audioBucket.arn] },
]);

export const bucketCredentials = credentialsOf("ApiBucket", user);
