/** Something about how this process was started is wrong; the message says what, and is safe to print. */
export class ConfigError extends Error {
  override name = "ConfigError";
}
