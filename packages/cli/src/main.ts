import { runCommand } from "./commands/run.ts";

const stop = new AbortController();
// Both come twice on one Ctrl-C under npm: from the terminal and from npm. The second one changes nothing.
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => stop.abort(new Error(`stopped by ${name}`)));
}

// `earshot analyze … | head`: whoever read has had enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
process.stderr.on("error", () => {});

const status = await runCommand(process.argv.slice(2), {
  env: process.env,
  out: (text) => process.stdout.write(`${text}\n`),
  err: (text) => process.stderr.write(`${text}\n`),
  progress: process.stderr,
  signal: stop.signal,
});
process.stdout.write("", () => process.exit(status));
