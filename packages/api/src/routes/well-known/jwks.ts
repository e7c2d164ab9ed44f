import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { toPublicJwk } from "@earshot/shared/crypto/signing-keys";
import { listPublishedKeys } from "@earshot/shared/db/signing-keys";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { problems } from "../answers.ts";

/** Half as long as a new key is published before it signs: nobody who keeps to it meets a key that he doesn't know. */
const CACHE_SECONDS = 300;

const JwkSet = doc(() =>
  z
    .object({
      keys: z.array(
        z.looseObject({ kid: z.string(), kty: z.string(), alg: z.string(), use: z.literal("sig") }),
      ),
    })
    .meta({ id: "JwkSet" }),
);

const route = createRoute({
  method: "get",
  path: "/.well-known/jwks.json",
  summary: doc("The public keys that access tokens are signed with, the next ones and the last ones too"),
  security: [],
  responses: doc(() => ({
    200: {
      description: "A set of keys (RFC 7517), each named by its thumbprint (RFC 7638).",
      content: { "application/json": { schema: JwkSet } },
    },
    ...problems(),
  })),
});

export function getJwks(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const keys = (await listPublishedKeys(db)).map(toPublicJwk) as z.output<typeof JwkSet>["keys"];
    return c.json({ keys }, 200, { "Cache-Control": `public, max-age=${CACHE_SECONDS}` });
  });
}
