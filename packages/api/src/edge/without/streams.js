/**
 * Stands in the Worker's bundle for the streams that the driver makes of COPY, by an alias of wrangler.jsonc: nothing here copies.
 * @public
 */
// oxlint-disable-next-line import/no-default-export
export default {};
