import { accountRoutes } from "./account-routes.ts";
import { createApp } from "./app.ts";
import type { Deps } from "./deps.ts";

/** The contracts of all routes, OpenAPI 3.1. Each operation names the scope that it asks for. */
export function openApiDocument() {
  const app = createApp(noDeps());
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", { type: "http", scheme: "bearer" });
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: "Earshot", version: "1", description: "Audio inference that you own." },
    security: [{ bearer: [] }],
  });
  for (const { method, path, scope } of accountRoutes(app)) {
    const operation = document.paths?.[path.replaceAll(/:(\w+)/g, "{$1}")]?.[method.toLowerCase() as "get"];
    if (operation && scope !== null) operation.security = [{ bearer: [scope] }];
  }
  return document;
}

/** Contracts are made without a request, and only a request uses what these would be. */
function noDeps(): Deps {
  return { blobUrlKey: null, corsOrigins: [] as readonly string[] } as Deps;
}
