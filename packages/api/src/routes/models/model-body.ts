import { doc } from "@earshot/shared/domain/doc";
import * as z from "zod";

export const ModelBody = doc(() =>
  z
    .object({
      id: z.string(),
      version: z.string(),
      tasks: z.array(z.string()),
      labels: z.array(z.string()).describe("The classes that it scores, in the order of its output."),
      licence: z.string(),
      licence_url: z.url(),
      licence_note: z.string().nullable(),
      requires_acceptance: z
        .boolean()
        .describe("Somebody must accept the licence before the model is pulled."),
      sha256: z.string().describe("Of the graph, the first of the files."),
      files: z.array(z.object({ name: z.string(), sha256: z.string(), bytes: z.int() })),
    })
    .meta({ id: "Model" }),
);

export type ModelBody = z.output<typeof ModelBody>;
