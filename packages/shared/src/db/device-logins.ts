import { and, eq, gt, lt, sql } from "drizzle-orm";
import { fromNow } from "./clock.ts";
import type { Database } from "./database.ts";
import { deviceLogins } from "./schema.ts";

/** RFC 8628: how long a code is good, and how long a device waits between two questions. */
export const DEVICE_LOGIN_SECONDS = 600;
export const POLL_SECONDS = 5;

export interface NewDeviceLogin {
  deviceHash: string;
  userCode: string;
  clientName: string;
  ip: string | null;
}

/** @returns false when another device has this user code at the moment. */
export async function beginDeviceLogin(db: Database, login: NewDeviceLogin): Promise<boolean> {
  await db.delete(deviceLogins).where(lt(deviceLogins.expiresAt, sql`now() - interval '1 hour'`));
  const made = await db
    .insert(deviceLogins)
    .values({ ...login, intervalSeconds: POLL_SECONDS, expiresAt: fromNow(DEVICE_LOGIN_SECONDS) })
    .onConflictDoNothing()
    .returning({ userCode: deviceLogins.userCode });
  return made.length > 0;
}

const isWaiting = () => and(eq(deviceLogins.status, "pending"), gt(deviceLogins.expiresAt, sql`now()`));

/** The device that shows this code and waits for somebody. */
export async function findDeviceLogin(
  db: Database,
  userCode: string,
): Promise<{ clientName: string; ip: string | null } | null> {
  const [login] = await db
    .select({ clientName: deviceLogins.clientName, ip: deviceLogins.ip })
    .from(deviceLogins)
    .where(and(eq(deviceLogins.userCode, userCode), isWaiting()));
  return login ?? null;
}

/** @returns false when no device waits with this code. */
export async function decideDeviceLogin(
  db: Database,
  userCode: string,
  decision: { status: "approved"; accountId: string; userId: string } | { status: "denied" },
): Promise<boolean> {
  const decided = await db
    .update(deviceLogins)
    .set(decision)
    .where(and(eq(deviceLogins.userCode, userCode), isWaiting()))
    .returning({ userCode: deviceLogins.userCode });
  return decided.length > 0;
}

export type DevicePoll =
  | { outcome: "approved"; accountId: string; userId: string; clientName: string }
  | { outcome: "pending" | "slow_down" | "denied" | "expired" };

/**
 * What has become of a device's request. An approval is taken once. Who asks too soon has to wait five seconds more from
 * then on (RFC 8628, section 3.5). Call it in a transaction.
 */
export async function pollDeviceLogin(tx: Database, deviceHash: string): Promise<DevicePoll> {
  const [login] = await tx
    .select({
      status: deviceLogins.status,
      accountId: deviceLogins.accountId,
      userId: deviceLogins.userId,
      clientName: deviceLogins.clientName,
      isLive: sql<boolean>`${deviceLogins.expiresAt} > now()`,
      isEarly: sql<boolean>`coalesce(${deviceLogins.polledAt} > now() - make_interval(secs => ${deviceLogins.intervalSeconds}), false)`,
    })
    .from(deviceLogins)
    .where(eq(deviceLogins.deviceHash, deviceHash))
    .for("update");
  if (login === undefined || !login.isLive || login.status === "used") return { outcome: "expired" };
  if (login.status === "denied") return { outcome: "denied" };
  const { accountId, userId, clientName } = login;
  if (login.status === "approved" && accountId !== null && userId !== null) {
    await tx.update(deviceLogins).set({ status: "used" }).where(eq(deviceLogins.deviceHash, deviceHash));
    return { outcome: "approved", accountId, userId, clientName };
  }
  await tx
    .update(deviceLogins)
    .set({
      polledAt: sql`now()`,
      ...(login.isEarly && { intervalSeconds: sql`${deviceLogins.intervalSeconds} + 5` }),
    })
    .where(eq(deviceLogins.deviceHash, deviceHash));
  return { outcome: login.isEarly ? "slow_down" : "pending" };
}
