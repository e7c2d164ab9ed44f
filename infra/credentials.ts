import { settings } from "./settings.ts";

/** `id:secret`, as EARSHOT_…_CREDENTIALS are read. A new `EARSHOT_KEYS_OF` makes new ones before the old are deleted. */
export function credentialsOf(name: string, user: aws.iam.User): $util.Output<string> {
  const key = new aws.iam.AccessKey(`${name}Key${settings.keysOf}`, { user: user.name });
  return $util.secret($interpolate`${key.id}:${key.secret}`);
}
