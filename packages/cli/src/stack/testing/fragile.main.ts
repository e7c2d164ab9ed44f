// A service for tests. Its argument says how it behaves.
const [behaviour] = process.argv.slice(2);
process.on("disconnect", () => process.exit());
if (behaviour === "fails") {
  console.error(JSON.stringify({ event: "stopped_by_error", error: "I have no reason to live" }));
  process.exit(7);
}
process.on("SIGTERM", () => {
  if (behaviour !== "stubborn") process.exit(0);
});
console.error(JSON.stringify({ event: "env", names: Object.keys(process.env).toSorted() }));
if (behaviour !== "silent") process.send?.({ pid: process.pid });
