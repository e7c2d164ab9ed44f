import { isProduction, settings } from "./settings.ts";

/** Audio that clients put and results that workers put, by keys of packages/shared/src/blobs/blob-store.ts. */
export const audioBucket = new sst.aws.Bucket("Audio", {
  cors: settings.corsOrigins.length > 0 && {
    allowOrigins: settings.corsOrigins,
    allowMethods: ["PUT"],
    allowHeaders: ["content-type", "x-amz-checksum-sha256"],
    exposeHeaders: ["ETag"],
    maxAge: "1 hour",
  },
  // A net below the sweep, which deletes by the retention of each job. Nothing lives longer than its limits let it.
  lifecycle: [
    { id: "uploads", prefix: "uploads/", expiresIn: "30 days" },
    { id: "results", prefix: "results/", expiresIn: "60 days" },
  ],
  // Without versions: what is deleted is gone.
  versioning: false,
  transform: {
    bucket: (args) => {
      args.forceDestroy = !isProduction;
    },
    lifecycle: (args) => {
      const parts = {
        id: "parts",
        status: "Enabled",
        abortIncompleteMultipartUpload: { daysAfterInitiation: 2 },
      };
      args.rules = $output(args.rules).apply((rules) => [...(rules ?? []), parts]);
    },
  },
});
