import { doc } from "@earshot/shared/domain/doc";
import { API_ERRORS } from "@earshot/shared/domain/errors";
import type { ApiErrorCode } from "@earshot/shared/domain/errors";
import { accountRoutes } from "./account-routes.ts";
import { createApp } from "./app.ts";
import type { Deps } from "./deps.ts";

/** The contracts of all routes, OpenAPI 3.1. Each operation names the scope that it asks for. */
export function openApiDocument() {
  const app = createApp(noDeps());
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", { type: "http", scheme: "bearer" });
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: "Earshot", version: "1", description: doc("Audio inference that you own.") },
    security: [{ bearer: [] }],
  });
  for (const { method, path, scope } of accountRoutes(app)) {
    const operation = document.paths?.[path.replaceAll(/:(\w+)/g, "{$1}")]?.[method.toLowerCase() as "get"];
    if (operation === undefined) continue;
    if (scope !== null) operation.security = [{ bearer: [scope] }];
    // Whoever may send a body may send a bad one, also where none is asked for.
    if (method !== "GET")
      operation.responses = { ...bodyProblems(operation.responses?.["401"]), ...operation.responses };
  }
  return document;
}

function bodyProblems(like: object | undefined) {
  const about = (code: ApiErrorCode) => ({ ...like, description: `\`${code}\`: ${API_ERRORS[code].title}` });
  return { 413: about("body_too_large"), 415: about("unsupported_content_type") };
}

/** Contracts are made without a request, and only a request uses what these would be. */
function noDeps(): Deps {
  return { putBlob: null, corsOrigins: [] as readonly string[] } as Deps;
}
