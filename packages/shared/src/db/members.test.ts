import { openTestRooms } from "@earshot/testkit/rooms";
import type { TestRooms } from "@earshot/testkit/rooms";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addMember, changeRole, createUser, findMember } from "./members.ts";

let rooms: TestRooms;
beforeAll(async () => {
  rooms = await openTestRooms();
});
afterAll(() => rooms[Symbol.asyncDispose]());

async function addOwner(): Promise<string> {
  const email = `${crypto.randomUUID()}@example.com`;
  const userId = await createUser(rooms.api, { email, name: null, passwordHash: null });
  if (userId === null) throw new Error("the address is taken");
  await addMember(rooms.api, { accountId: rooms.accountId, userId, role: "owner" });
  return userId;
}

test("of two owners who leave at once the second waits for the first, and stays", async () => {
  const [first, second] = [await addOwner(), await addOwner()];
  const demote = (userId: string) =>
    rooms.api.transaction((tx) => changeRole(tx, rooms.accountId, userId, "admin"));
  let later: ReturnType<typeof demote> | undefined;
  await rooms.api.transaction(async (tx) => {
    expect(await changeRole(tx, rooms.accountId, first, "admin")).toMatchObject({ outcome: "changed" });
    later = demote(second);
    // It gets as far as it can: to the lock, or to its end if there is none.
    await Promise.race([later, rooms.owner`select pg_sleep(0.2)`]);
  });
  expect(await later).toMatchObject({ outcome: "last_owner" });
  expect(await findMember(rooms.api, rooms.accountId, second)).toMatchObject({ role: "owner" });
});
