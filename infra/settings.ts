/**
 * What differs between installations, from the environment or `.env.<stage>`, which SST reads. No secret is among it:
 * those are in secrets.ts. All that is missing is named at once.
 */
const missing: string[] = [];

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") missing.push(name);
  return value ?? "";
}

function optional(name: string): string | undefined {
  return process.env[name] || undefined;
}

export const isProduction = $app.stage === "production";

export const settings = {
  /** The API's host name, in a zone of the Cloudflare account. */
  domain: required("EARSHOT_DOMAIN"),
  /** Where alarms go. */
  alarmEmail: required("EARSHOT_ALARM_EMAIL"),
  databaseHost: required("EARSHOT_DATABASE_HOST"),
  databasePort: Number(optional("EARSHOT_DATABASE_PORT") ?? 5432),
  databaseName: optional("EARSHOT_DATABASE_NAME") ?? "earshot",
  /** Of the certificate authority that Hyperdrive checks Postgres by; `wrangler cert upload certificate-authority`. */
  databaseCa: isProduction ? required("EARSHOT_DATABASE_CA") : optional("EARSHOT_DATABASE_CA"),
  /** The region that the database is in, such as `aws:eu-central-1`: the Worker runs near it. */
  placement: optional("EARSHOT_PLACEMENT"),
  /** Origins whose pages may call the API and put uploads. */
  corsOrigins: (optional("EARSHOT_CORS_ORIGINS") ?? "").split(",").filter((origin) => origin !== ""),
  /** Access keys are made anew when it changes; the old ones go at the end of that deploy. */
  keysOf: optional("EARSHOT_KEYS_OF") ?? "1",
};

if (missing.length > 0) throw new Error(`set ${missing.join(", ")} in .env.${$app.stage} (docs/deploy.md)`);
if (settings.corsOrigins.some((origin) => !/^https:\/\/[^*/]+$/.test(origin))) {
  throw new Error("EARSHOT_CORS_ORIGINS is https://host[,https://host…], without `*`");
}
