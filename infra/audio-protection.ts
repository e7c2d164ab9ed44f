import { audioBucket } from "./audio-bucket.ts";

new aws.s3.BucketServerSideEncryptionConfiguration("AudioEncryption", {
  bucket: audioBucket.name,
  rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }],
});

new aws.s3.BucketOwnershipControls("AudioOwnership", {
  bucket: audioBucket.name,
  rule: { objectOwnership: "BucketOwnerEnforced" },
});
