import { spawn } from "node:child_process";

/** What a child over untrusted bytes may use before the kernel ends it. */
export interface ChildLimits {
  addressSpaceBytes: number;
  cpuSeconds: number;
}

/** How children are confined on this machine: programs that each set one thing and then become the next. */
export interface Sandbox {
  /** Where children find programs: their whole environment is this and a LANG. */
  searchPath: string;
  /** Puts the child in a network namespace of its own, with no interface up. */
  isolatesNetwork: boolean;
  /** The kernel kills the child when this process dies, even by SIGKILL. */
  diesWithParent: boolean;
  /** Memory and CPU time are bounded by the kernel. */
  hasLimits: boolean;
  /** Taken before the limits, and after them. */
  namespaces: readonly string[];
  privileges: readonly string[];
}

const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const PROBE_TIMEOUT_MS = 5_000;

const DIE_WITH_PARENT = ["setpriv", "--pdeathsig", "KILL", "--no-new-privs"];
const NO_CAPABILITIES = ["--bounding-set=-all", "--inh-caps=-all"];

// Root reads files of every owner (a CLI under sudo has to), but as nobody, who can write none.
const READ_AS_NOBODY = [
  "--reuid=65534",
  "--regid=65534",
  "--clear-groups",
  "--bounding-set=-all,+dac_read_search",
  "--inh-caps=-all,+dac_read_search",
  "--ambient-caps=-all,+dac_read_search",
];

/** From the strictest to none at all. A user namespace hides files of other owners, so root tries without it first. */
const CONFINEMENTS: readonly Pick<Sandbox, "namespaces" | "privileges">[] = [
  { namespaces: ["unshare", "-n", "--"], privileges: [...DIE_WITH_PARENT, ...READ_AS_NOBODY, "--"] },
  { namespaces: ["unshare", "-n", "--"], privileges: [...DIE_WITH_PARENT, "--"] },
  { namespaces: ["unshare", "-rn", "--"], privileges: [...DIE_WITH_PARENT, ...NO_CAPABILITIES, "--"] },
  { namespaces: [], privileges: [...DIE_WITH_PARENT, "--"] },
];

const PROBE_LIMITS: ChildLimits = { addressSpaceBytes: 4 * 1024 ** 3, cpuSeconds: 24 * 3600 };

/** No confinement but the deadline, the empty environment and the process group: macOS, or a locked-down container. */
export function bareSandbox(searchPath: string = SYSTEM_PATH): Sandbox {
  return {
    searchPath,
    isolatesNetwork: false,
    diesWithParent: false,
    hasLimits: false,
    namespaces: [],
    privileges: [],
  };
}

/** Tries what this kernel and its tools allow, strictest first. Ask once at the start and pass the answer on. */
export async function detectSandbox(options: { searchPath?: string } = {}): Promise<Sandbox> {
  const bare = bareSandbox(options.searchPath);
  const hasLimits = await canRun({ ...bare, hasLimits: true });
  for (const confinement of CONFINEMENTS) {
    const candidate: Sandbox = {
      ...bare,
      ...confinement,
      hasLimits,
      isolatesNetwork: confinement.namespaces.length > 0,
      diesWithParent: true,
    };
    if (await canRun(candidate)) return candidate;
  }
  return { ...bare, hasLimits };
}

/** The words to execute so that `command` runs confined. Each launcher execs the next, so the child's pid is the command's. */
export function confine(sandbox: Sandbox, limits: ChildLimits, command: readonly string[]): string[] {
  return [...sandbox.namespaces, ...limitWords(sandbox, limits), ...sandbox.privileges, ...command];
}

/** Said of a child that a launcher could not start: our fault, not the input's. */
export function isLauncherFailure(stderr: string): boolean {
  return /^(unshare|prlimit|setpriv): /m.test(stderr);
}

function limitWords(sandbox: Sandbox, limits: ChildLimits): string[] {
  if (!sandbox.hasLimits) return [];
  return ["prlimit", `--as=${limits.addressSpaceBytes}`, `--cpu=${limits.cpuSeconds}`, "--core=0", "--"];
}

function canRun(candidate: Sandbox): Promise<boolean> {
  const [program = "true", ...args] = confine(candidate, PROBE_LIMITS, ["true"]);
  const child = spawn(program, args, {
    stdio: "ignore",
    env: { PATH: candidate.searchPath },
    timeout: PROBE_TIMEOUT_MS,
    killSignal: "SIGKILL",
  });
  return new Promise((resolve) => {
    child.once("error", () => resolve(false));
    child.once("exit", (code) => resolve(code === 0));
  });
}
