import { runCommand } from "./commands/run.ts";

const stop = new AbortController();
// Both come twice on one Ctrl-C under npm: from the terminal and from npm. The second one changes nothing.
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => stop.abort(new Error(`stopped by ${name}`)));
}

// `earshot analyze … | head`: whoever read has had enough. That is a reason to stop, and no error.
let hasReader = true;
process.stdout.on("error", (error) => {
  hasReader = false;
  stop.abort(error);
});
process.stderr.on("error", () => {});

const status = await runCommand(process.argv.slice(2), {
  env: process.env,
  out: (text) => hasReader && process.stdout.write(`${text}\n`),
  err: (text) => hasReader && process.stderr.write(`${text}\n`),
  progress: process.stderr,
  signal: stop.signal,
});
if (!hasReader) process.exit(0);
process.stdout.write("", () => process.exit(status));
