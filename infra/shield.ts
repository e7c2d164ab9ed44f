/** Before anything is opened for an address; the limits that count are kept in rooms.ts. */
export const shield = new sst.cloudflare.RateLimit("SHIELD", {
  namespaceId: 1,
  limit: 1200,
  period: "1 minute",
});
