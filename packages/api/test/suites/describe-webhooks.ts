import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newWebhookSecret } from "@earshot/shared/crypto/webhook-signatures";
import { Webhook } from "standardwebhooks";
import { bodyOf, refusalOf } from "../answer.ts";
import { claimAll, deliverAll, SUCCEEDED } from "../deliverer-stand-in.ts";
import type { FrontDoor, OpenFrontDoor } from "./front-door.ts";

const PATH = "/v1/webhook-endpoints";
const ENDPOINT = { url: "https://example.com/hook" };

interface Heard {
  data: { id: string; body: string; headers: Record<string, string> }[];
  next_after: number;
}

/** What can be done with webhook endpoints and events, the same in every runtime. */
export function describeWebhooks(open: OpenFrontDoor): void {
  describe("webhook endpoints and events", () => {
    let door: FrontDoor;
    beforeAll(async () => void (door = await open()));
    afterAll(() => door[Symbol.asyncDispose]());

    test("an endpoint is made, changed, rotated, tested and deleted", async () => {
      const made = await bodyOf<{ id: string; secret: string }>(
        await door.send("POST", PATH, { json: ENDPOINT }),
      );
      expect(made.secret).toMatch(/^whsec_/);
      const changed = await door.send("PATCH", `${PATH}/${made.id}`, { json: { payload: "full" } });
      expect(await bodyOf(changed)).toMatchObject({ id: made.id, payload: "full" });
      const rotated = await bodyOf<{ secret: string }>(
        await door.send("POST", `${PATH}/${made.id}/rotate-secret`),
      );
      expect(rotated.secret).not.toBe(made.secret);
      const sent = await door.send("POST", `${PATH}/${made.id}/test`);
      const { event_id: eventId } = await bodyOf<{ event_id: string }>(sent);
      expect((await claimAll(door.owner.db)).map((delivery) => delivery.eventId)).toContain(eventId);
      expect((await door.send("DELETE", `${PATH}/${made.id}`)).status).toBe(204);
      expect(await refusalOf(await door.send("GET", `${PATH}/${made.id}`))).toMatchObject({ status: 404 });
    });

    test("an address of a private network is refused", async () => {
      const refused = await door.send("POST", PATH, { json: { url: "https://192.168.0.1/" } });
      expect(await refusalOf(refused)).toMatchObject({ status: 400, pointers: ["/url"] });
    });

    test("events are listed, shown with their deliveries, sent again, and heard by who listens", async () => {
      const caller = await door.addCaller();
      const as = { as: caller };
      const { id } = await bodyOf(await door.send("POST", PATH, { json: ENDPOINT, ...as }));
      await door.send("POST", `${PATH}/${id}/test`, as);
      await deliverAll(door.owner.db, SUCCEEDED);
      const list = await bodyOf<{ data: { id: string }[] }>(await door.send("GET", "/v1/events", as));
      expect(list.data).toMatchObject([{ type: "webhook.test", sequence: 1, data: { endpoint_id: id } }]);
      const event = `/v1/events/${list.data[0]?.id}`;
      expect(await bodyOf(await door.send("GET", `${event}/deliveries`, as))).toMatchObject({
        data: [{ endpoint_id: id, status: "succeeded", attempts: [{ attempt: 1, status_code: 200 }] }],
      });
      expect((await door.send("POST", `${event}/redeliver`, as)).status).toBe(202);
      const secret = newWebhookSecret();
      const heard = await bodyOf<Heard>(
        await door.send("POST", "/v1/events/listen", { json: { secret, after: 0, wait: 5 }, ...as }),
      );
      expect(heard).toMatchObject({ data: [{ id: list.data[0]?.id }], next_after: 1 });
      const [first] = heard.data;
      expect(new Webhook(secret).verify(first?.body ?? "", first?.headers ?? {})).toMatchObject({
        type: "webhook.test",
      });
      const nothing = { secret, after: heard.next_after, wait: 1 };
      expect(await bodyOf(await door.send("POST", "/v1/events/listen", { json: nothing, ...as }))).toEqual({
        data: [],
        next_after: 1,
      });
    });
  });
}
