import { doc } from "@earshot/shared/domain/doc";
import * as z from "zod";

/** What every list may be asked. */
export const PAGE_SHAPE = {
  limit: z
    .string()
    .regex(/^\d{1,3}$/, "A whole number")
    .transform(Number)
    .pipe(z.int().min(1).max(100))
    .default(20)
    .meta({ type: "integer", minimum: 1, maximum: 100 }),
  cursor: z.string().min(1).max(1024).optional().describe(doc("`next_cursor` of the page before.")),
};

export const PageQuery = z.strictObject(PAGE_SHAPE);
