import { setFlagsFromString } from "node:v8";

/**
 * Keeps V8's space for short-lived objects small. Where much is made and dropped, as audio is, it grows to 128 MB and stays
 * there, and what its garbage holds outside the heap comes on top.
 */
export function boundMemory(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}
