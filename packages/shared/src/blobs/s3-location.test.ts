import { expect, test } from "vitest";
import { parseS3Location } from "./s3-location.ts";

test.for([
  ["s3://audio", "https://audio.s3.us-east-1.amazonaws.com", "us-east-1"],
  ["s3://audio?region=eu-central-1", "https://audio.s3.eu-central-1.amazonaws.com", "eu-central-1"],
  [
    "s3://audio?endpoint=https://abc.r2.cloudflarestorage.com/&region=auto",
    "https://abc.r2.cloudflarestorage.com/audio",
    "auto",
  ],
  ["s3://my.audio-1?endpoint=http://127.0.0.1:9000", "http://127.0.0.1:9000/my.audio-1", "us-east-1"],
])("%s is the bucket at %s", ([location = "", bucketUrl, region]) => {
  expect(parseS3Location(location)).toEqual({ bucketUrl, region });
});

test.for([
  "s3://",
  "s3://UPPER",
  "s3://a",
  "s3://audio/prefix",
  "https://audio",
  "s3://audio?endpoint=http://example.com",
  "s3://audio?endpoint=ftp://127.0.0.1",
  "s3://audio?endpoint=nothing",
])("%s is no bucket", (location) => {
  expect(() => parseS3Location(location)).toThrow(TypeError);
});
