/**
 * Of no use to a Worker: a bundler drops calls of a function without a body, with their texts and with the functions that put
 * answers and schemas together.
 * @public
 */
export function doc() {}
