/** The part of the runtime's own module that the Worker and its tests use. */
declare module "cloudflare:workers" {
  export abstract class DurableObject<Env> {
    protected ctx: unknown;
    protected env: Env;
    constructor(ctx: unknown, env: Env);
  }

  /** Its bindings. */
  export const env: object;

  /** What the Worker exports, as another one would call it. */
  export const exports: { default: { fetch(url: string, init?: RequestInit): Promise<Response> } };
}
