import { doc } from "@earshot/shared/domain/doc";
import * as z from "zod";
import type { Box as BoxRow } from "@earshot/shared/db/boxes";

export const Box = doc(() =>
  z
    .object({
      id: z.string(),
      name: z.string(),
      status: z.enum(["live", "revoked"]),
      algorithm: z.enum(["EdDSA", "ES256"]),
      created_at: z.iso.datetime(),
      last_seen_at: z.iso.datetime().nullable().describe("When it was last given credentials."),
      revoked_at: z.iso.datetime().nullable(),
    })
    .meta({ id: "Box" }),
);

export function boxBody(box: BoxRow): z.output<typeof Box> {
  return {
    id: box.id,
    name: box.name,
    status: box.revokedAt === null ? "live" : "revoked",
    algorithm: box.algorithm,
    created_at: box.createdAt.toISOString(),
    last_seen_at: box.lastSeenAt?.toISOString() ?? null,
    revoked_at: box.revokedAt?.toISOString() ?? null,
  };
}
