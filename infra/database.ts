import { databasePassword } from "./secrets.ts";
import { settings } from "./settings.ts";

/**
 * Connections to a Postgres that is there already, as the login of the API. Its cache would answer what was true a
 * minute ago: a revoked key would live on.
 */
export const database = new sst.cloudflare.Hyperdrive("HYPERDRIVE", {
  caching: false,
  origin: {
    scheme: "postgres",
    host: settings.databaseHost,
    port: settings.databasePort,
    database: settings.databaseName,
    user: "earshot_api",
    password: databasePassword.value,
  },
  ...(settings.databaseCa !== undefined && {
    mtls: { caCertificateId: settings.databaseCa, sslmode: "verify-full" },
  }),
});
