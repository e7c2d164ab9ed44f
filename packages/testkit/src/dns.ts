import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { isIPv6 } from "node:net";
import packet from "dns-packet";

/** Addresses of each name, both families together. Several lists: one for each question, the last one for all after it. */
export type Zone = Readonly<Record<string, readonly string[] | readonly (readonly string[])[]>>;

export interface TestDns extends AsyncDisposable {
  port: number;
  /** `A name` or `AAAA name`, in the order in which they were asked. */
  questions: readonly string[];
  /** Asks this server, by UDP, for both families. */
  resolve(name: string): Promise<string[]>;
}

/** A DNS server on loopback. A name that its zone doesn't have does not exist. */
export async function startTestDns(zone: Zone, { port = 0 } = {}): Promise<TestDns> {
  const questions: string[] = [];
  const asked = new Map<string, number>();
  const socket = createSocket("udp4");

  function addressesOf(name: string, question: string): readonly string[] | undefined {
    const answers = zone[name];
    if (answers === undefined) return undefined;
    const count = asked.get(question) ?? 0;
    asked.set(question, count + 1);
    if (!isList(answers)) return answers;
    return answers[Math.min(count, answers.length - 1)] ?? [];
  }

  socket.on("message", (message, { address, port }) => {
    const { id = 0, flags = 0, questions: [asking] = [] } = packet.decode(message);
    if (asking === undefined || (asking.type !== "A" && asking.type !== "AAAA")) return;
    const { name, type } = asking;
    const question = `${type} ${name.toLowerCase()}`;
    questions.push(question);
    const addresses = addressesOf(name.toLowerCase(), question);
    const ofFamily = (addresses ?? []).filter((ip) => isIPv6(ip) === (type === "AAAA"));
    const reply = packet.encode({
      type: "response",
      id,
      // NXDOMAIN is code 3.
      flags: (flags & packet.RECURSION_DESIRED) | packet.RECURSION_AVAILABLE | (addresses ? 0 : 3),
      questions: [asking],
      // A TTL of 0: whoever asks twice is answered twice.
      answers: ofFamily.map((data) => ({ name, type, ttl: 0, data })),
    });
    socket.send(reply, port, address);
  });
  socket.bind(port, "127.0.0.1");
  await once(socket, "listening");

  const bound = (socket.address() as AddressInfo).port;
  const resolver = new Resolver({ timeout: 5_000, tries: 2 });
  resolver.setServers([`127.0.0.1:${bound}`]);
  return {
    port: bound,
    questions,
    async resolve(name) {
      const families = [resolver.resolve4(name), resolver.resolve6(name)];
      return (await Promise.all(families.map((family) => family.catch(noneIfEmpty)))).flat();
    },
    async [Symbol.asyncDispose]() {
      resolver.cancel();
      await new Promise<void>((closed) => void socket.close(closed));
    },
  };
}

function isList(
  answers: readonly string[] | readonly (readonly string[])[],
): answers is readonly (readonly string[])[] {
  return typeof answers[0] !== "string";
}

function noneIfEmpty(error: unknown): string[] {
  if (error instanceof Error && "code" in error && error.code === "ENODATA") return [];
  throw error;
}
