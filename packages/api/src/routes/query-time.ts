import * as z from "zod";

/** An ISO 8601 time. Outside these years Postgres does not read what a Date writes. */
export const queryTime = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .pipe(z.date().min(new Date("1970-01-01T00:00:00Z")).max(new Date("9999-12-31T23:59:59.999Z")));
