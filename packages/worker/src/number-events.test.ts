import { cancelJob } from "@earshot/shared/db/jobs/cancel-job";
import { silentLog } from "@earshot/shared/log";
import { openTestRooms } from "@earshot/testkit/rooms";
import { until } from "@earshot/testkit/until";
import { expect, test } from "vitest";
import { createEventNumberer } from "./number-events.ts";

test("an event has its number as soon as it is announced, in the order of its account, and a failure ends nothing", async () => {
  await using rooms = await openTestRooms();
  const stop = new AbortController();
  let failures = 1;
  const db = new Proxy(rooms.deliver, {
    get(target, property) {
      if (property === "transaction" && failures-- > 0) throw new Error("away");
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const numberer = createEventNumberer({ db, log: silentLog });
  const { unlisten } = await rooms.deliverSql.listen("earshot_deliveries", numberer.ring);
  const run = numberer.run(stop.signal);
  const happen = async () => {
    const { id } = await rooms.submit();
    await cancelJob(rooms.api, rooms.accountId, id);
  };
  const numbers = async () =>
    (
      await rooms.owner`select sequence::int as n from events where sequence is not null order by sequence`
    ).map(({ n }) => n);
  // Nobody listens to the first: the numberer was away.
  await happen();
  await until(() => failures === 0, { describe: "the failure" });
  await happen();
  await until(async () => (await numbers()).length === 2, { describe: "two numbers" });
  expect(await numbers()).toEqual([1, 2]);
  stop.abort();
  await run;
  await unlisten();
});
