/**
 * A text or a name that only the OpenAPI document needs: the Worker, which serves that as a file, is built without it
 * (`api/wrangler.jsonc`). One that is put together comes as a function: a bundler can't know that its parts may be left out.
 */
export function doc(text: string | (() => string)): string {
  return typeof text === "string" ? text : text();
}
