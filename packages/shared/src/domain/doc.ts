/**
 * What only the OpenAPI document needs: a text, a name, the answers of a route, the schema of an answer. The Worker, which
 * serves that document as a file, is built without it (`api/wrangler.jsonc`): there it is undefined, so nothing that a request
 * reads may come from here. What is put together comes as a function: a bundler can't know that its parts may be left out.
 */
export function doc<Of extends object | string>(of: (() => Of) | Of): Of {
  return typeof of === "function" ? of() : of;
}
