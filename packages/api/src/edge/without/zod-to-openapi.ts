/**
 * Stands in the Worker's bundle for @asteasolutions/zod-to-openapi, by an alias of wrangler.jsonc. The document is made when
 * the product is built; what runs needs the list of routes and none of the rest. The real one also holds all of zod fast.
 */

/** @public */
export class OpenAPIRegistry {
  readonly definitions: { type: string; route?: unknown }[] = [];

  registerPath(route: unknown): void {
    this.definitions.push({ type: "route", route });
  }

  register(_name: string, schema: unknown): unknown {
    return schema;
  }

  registerComponent(): void {}
}

/** @public */
export const OpenApiGeneratorV3 = null;

/** @public */
export const OpenApiGeneratorV31 = null;

/** @public */
export function extendZodWithOpenApi(): void {}

/** @public */
export function getOpenApiMetadata(): object {
  return {};
}
