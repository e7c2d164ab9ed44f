import { newId } from "@earshot/shared/crypto/ids";
import { newWebhookSecret } from "@earshot/shared/crypto/webhook-signatures";
import { deliveries, events } from "@earshot/shared/db/schema";
import type { Endpoint, EndpointSettings } from "@earshot/shared/db/webhooks/endpoints";
import { insertEndpoint } from "@earshot/shared/db/webhooks/endpoints";
import type { TestRooms } from "@earshot/testkit/rooms";

/** An endpoint of the rooms' account, as the API makes it. */
export async function addEndpoint(
  rooms: TestRooms,
  settings: Partial<EndpointSettings> & { url: string },
): Promise<Endpoint & { secret: string }> {
  const secret = newWebhookSecret();
  const endpoint = await rooms.api.transaction((tx) =>
    insertEndpoint(tx, rooms.sealKeys, {
      accountId: rooms.accountId,
      description: "",
      events: null,
      payload: "thin",
      metadata: {},
      enabled: true,
      secret,
      ...settings,
    }),
  );
  if (endpoint === null) throw new Error("there are too many endpoints");
  return { ...endpoint, secret };
}

const INSERTED_AT_ONCE = 1_000;

/** `count` events, each for all of the endpoints, in their order. */
export async function announceAll(
  rooms: TestRooms,
  endpoints: { id: string; url: string }[],
  count: number,
): Promise<void> {
  const { accountId } = rooms;
  const made = Array.from({ length: count }, () => newId("event"));
  const rows = made.flatMap((eventId) =>
    endpoints.map(({ id, url }) => ({ id: newId("delivery"), eventId, accountId, endpointId: id, url })),
  );
  await rooms.api.transaction(async (tx) => {
    const payload = '{"type":"security.alert","timestamp":"2026-01-01T00:00:00Z","data":{}}';
    await tx
      .insert(events)
      .values(made.map((id) => ({ id, accountId, type: "security.alert" as const, payload })));
    for (let at = 0; at < rows.length; at += INSERTED_AT_ONCE)
      await tx.insert(deliveries).values(rows.slice(at, at + INSERTED_AT_ONCE));
  });
}
