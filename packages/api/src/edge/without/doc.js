/** @public Of no use to a Worker: a bundler drops calls of a function without a body, and their texts. */
export function doc() {}
