import { expect, test } from "vitest";
import { parseEnv } from "./env.ts";
import { TRACING_SHAPE } from "./tracing.ts";

const read = (env: Record<string, string>) => parseEnv(env, TRACING_SHAPE, ["OTLP_HEADERS"]);

test("headers of the collector are read as OpenTelemetry writes them, and wrong ones are refused without being told", () => {
  expect(read({ EARSHOT_OTLP_HEADERS: "authorization=Bearer%20abc=, x-tenant=one" }).OTLP_HEADERS).toEqual({
    authorization: "Bearer abc=",
    "x-tenant": "one",
  });
  for (const wrong of ["hunter2", "=hunter2", "a=%E0%A4%A"])
    expect(() => read({ EARSHOT_OTLP_HEADERS: wrong })).toThrow(
      /EARSHOT_OTLP_HEADERS: is not name=value(?!.*hunter2)/,
    );
  expect(() => read({ EARSHOT_OTLP_URL: "ftp://collector" })).toThrow("EARSHOT_OTLP_URL");
});
