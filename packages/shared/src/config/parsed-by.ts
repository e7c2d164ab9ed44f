import * as z from "zod";

/** Takes text by `parse`. The message never holds the text: it is a secret. */
export function parsedBy<Parsed>(parse: (text: string) => Parsed, message: string) {
  return z.string().transform((text, context) => {
    try {
      return parse(text);
    } catch {
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    }
  });
}
