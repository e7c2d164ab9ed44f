import { mkdtemp } from "node:fs/promises";
import https from "node:https";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { AppError } from "@earshot/shared/domain/errors";
import { startTestDns } from "@earshot/testkit/dns";
import { HOSTILE_NAMES, HOSTILE_URLS } from "@earshot/testkit/hostile-targets";
import { fetchInput } from "../fetch-input.ts";
import { guardedRequest } from "../guarded-request.ts";
import { selfSigned } from "./certificate.ts";
import type { Attempt, EveryAddressReport } from "./every-address.ts";

/**
 * Runs in a network of its own in which each address there is, private or not, is this very machine and has a listener
 * on 443 and 8443, and whose resolver is the DNS server below. What connects to anything is seen.
 */
const FILES = "files.example.com";
const POLICY = { allowLoopback: false };

const reached: string[] = [];
const certificate = selfSigned(FILES);
tls.setDefaultCACertificates([certificate.cert]);

await listen(443);
await listen(8443);
const dns = await startTestDns(
  {
    ...HOSTILE_NAMES,
    [FILES]: ["8.8.8.8"],
    "fine.example.com": ["8.8.8.8"],
    "rebind.example.com": [["8.8.8.8"], ["127.0.0.1"]],
  },
  { port: 53 },
);

const report: EveryAddressReport = {
  listeners: [],
  good: [],
  hostile: [],
  rebind: [],
  rebindQuestions: 0,
  redirects: [],
};

for (const host of process.argv.slice(2)) {
  const seen = await connect(host);
  if (seen !== null) report.listeners.push(seen);
}
for (const url of ["https://8.8.8.8/", "https://fine.example.com:8443/"]) report.good.push(await ask(url));
const named = Object.keys(HOSTILE_NAMES).map((name) => `https://${name}/`);
for (const url of [...HOSTILE_URLS, ...named]) report.hostile.push(await ask(url));

report.rebind.push(await ask("https://rebind.example.com/"));
report.rebindQuestions = dns.questions.filter((question) => question === "A rebind.example.com").length;
report.rebind.push(await ask("https://rebind.example.com/"));

// A Location is a header: what no header can hold can't be redirected to.
const locations = [...HOSTILE_URLS, ...named].filter((url) => /^[\x21-\x7e]+$/.test(url));
const directory = await mkdtemp(join(tmpdir(), "earshot-redirect-"));
for (const location of locations) report.redirects.push(await follow(location));

process.stdout.write(JSON.stringify(report), () => process.exit(0));

async function listen(port: number): Promise<void> {
  const server = https.createServer(certificate, (request, response) => {
    const { searchParams } = new URL(request.url ?? "", "https://here");
    const location = searchParams.get("to");
    response.writeHead(location === null ? 404 : 302, location === null ? {} : { location }).end();
  });
  server.on("connection", (socket: net.Socket) => {
    reached.push(socket.localAddress ?? "");
    socket.on("error", () => {});
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((listening) => server.listen(port, "::", listening));
}

/** Without the guard: the address that the listener was reached at, or null where the system itself refuses. */
async function connect(host: string): Promise<string | null> {
  reached.length = 0;
  const socket = net.connect({ host, port: 443 });
  const outcome = await new Promise<"open" | "refused">((resolve) => {
    socket.once("connect", () => resolve("open"));
    socket.once("error", () => resolve("refused"));
  });
  // The listener hears of it on its own turn of the loop.
  while (outcome === "open" && reached.length === 0) await new Promise(setImmediate);
  socket.destroy();
  return outcome === "open" ? (reached[0] ?? null) : null;
}

async function ask(url: string): Promise<Attempt> {
  return watched(url, async (signal) => {
    const { body } = await guardedRequest(url, { method: "GET", policy: POLICY, signal });
    body.destroy();
  });
}

async function follow(location: string): Promise<Attempt> {
  const from = `https://${FILES}/?to=${encodeURIComponent(location)}`;
  return watched(location, async (signal) => {
    const toFile = join(directory, "input");
    await fetchInput(from, { policy: POLICY, toFile, maxBytes: 1_000, stallMs: 20_000, signal });
  });
}

async function watched(url: string, work: (signal: AbortSignal) => Promise<void>): Promise<Attempt> {
  reached.length = 0;
  const outcome = await work(AbortSignal.timeout(20_000)).then(
    () => "answered",
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );
  return { url, outcome, reached: reached.map((address) => address.replace(/^::ffff:/, "")) };
}
