/** Of a production stage: nobody's, of the right form. */
export const ENVIRONMENT: Record<string, string> = {
  EARSHOT_DOMAIN: "api.example.com",
  EARSHOT_ALARM_EMAIL: "ops@example.com",
  EARSHOT_DATABASE_HOST: "db.example.com",
  EARSHOT_DATABASE_CA: "00000000-0000-4000-8000-000000000000",
  EARSHOT_CORS_ORIGINS: "https://app.example.com,https://studio.example.com",
  EARSHOT_PLACEMENT: "aws:eu-central-1",
  SST_SECRET_OidcIssuers: "[]",
  SST_SECRET_DatabasePassword: "password-of-the-api",
};
