/**
 * Stands in the Worker's bundle for the driver's large objects, by an alias of wrangler.jsonc: there are none.
 * @public
 */
// oxlint-disable-next-line import/no-default-export
export default function largeObject() {
  return Promise.reject(new Error("not at the edge"));
}
