import { fileURLToPath } from "node:url";

/** Of the tree. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
