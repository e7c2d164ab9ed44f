import { beforeEach, expect, test, vi } from "vitest";
import { ENVIRONMENT } from "./environment.ts";

beforeEach(() => {
  vi.resetModules();
  vi.stubGlobal("$app", { stage: "production" });
});

function read(environment: Record<string, string | undefined>): Promise<unknown> {
  for (const [name, value] of Object.entries({ ...ENVIRONMENT, ...environment })) vi.stubEnv(name, value);
  return import("../settings.ts");
}

test("all that is missing is named at once", async () => {
  const missing = { EARSHOT_DOMAIN: undefined, EARSHOT_DATABASE_CA: "" };
  await expect(read(missing)).rejects.toThrow("set EARSHOT_DOMAIN, EARSHOT_DATABASE_CA in .env.production");
});

test.for(["*", "https://*.example.com", "http://app.example.com", "https://app.example.com/"])(
  "the origin %s is refused",
  async (origin) => {
    await expect(read({ EARSHOT_CORS_ORIGINS: origin })).rejects.toThrow(/EARSHOT_CORS_ORIGINS is https/);
  },
);
