/**
 * Stands in the Worker's bundle for the driver's logical replication, by an alias of wrangler.jsonc: nothing here subscribes.
 * @public
 */
// oxlint-disable-next-line import/no-default-export
export default function Subscribe() {
  return () => Promise.reject(new Error("not at the edge"));
}
