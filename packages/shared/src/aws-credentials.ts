/** Who signs requests to AWS and to what speaks its language. */
export interface AwsCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  /** Of those that are lent for a while. */
  sessionToken?: string;
}

/** @throws TypeError for any other form than `accessKeyId:secretAccessKey`. It never holds the text. */
export function parseAwsCredentials(text: string): AwsCredentials {
  const [, accessKeyId, secretAccessKey] = /^([\w-]{3,128}):(\S+)$/.exec(text) ?? [];
  if (!accessKeyId || !secretAccessKey) throw new TypeError("credentials are accessKeyId:secretAccessKey");
  return { accessKeyId, secretAccessKey };
}
