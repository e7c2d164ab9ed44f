import * as z from "zod";

/** Addresses are compared in lower case; no provider of any size tells capital letters apart. */
export const emailAddress = z
  .string()
  .max(254)
  .transform((text) => text.trim().toLowerCase())
  .pipe(z.email())
  .meta({ type: "string", format: "email", maxLength: 254 });
