/** One a account that somebody waits in; asks the database once a second for all of them. */
export const waitingRooms = new sst.cloudflare.DurableObject("WAITING_ROOMS", { className: "WaitingRoom" });

/** One an account: the exact rate limits. */
export const rateRooms = new sst.cloudflare.DurableObject("RATE_ROOMS", { className: "RateRoom" });

/** The whole history, as in packages/api/wrangler.jsonc: a test holds one against the other. */
export const roomMigrations = [
  { tag: "v1", newSqliteClasses: ["WaitingRoom"] },
  { tag: "v2", newSqliteClasses: ["RateRoom"] },
];
