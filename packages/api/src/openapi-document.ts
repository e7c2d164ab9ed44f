import { createApp } from "./app.ts";
import type { Deps } from "./deps.ts";

/** The contracts of all routes, OpenAPI 3.1. */
export function openApiDocument() {
  const app = createApp(noDeps());
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", { type: "http", scheme: "bearer" });
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: "Earshot", version: "1", description: "Audio inference that you own." },
    security: [{ bearer: [] }],
  });
}

/** Contracts are made without a request, and only a request uses what these would be. */
function noDeps(): Deps {
  return { blobUrlKey: null, corsOrigins: [] as readonly string[] } as Deps;
}
