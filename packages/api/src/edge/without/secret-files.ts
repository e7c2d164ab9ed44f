import { ConfigError } from "@earshot/shared/config/config-error";

/**
 * Stands in the Worker's bundle for reading secrets from files, by an alias of wrangler.jsonc: there are none.
 * @public
 */
export function readSecretFile(variable: string): never {
  throw new ConfigError(`${variable}: a Worker has no files; set the secret itself`);
}
