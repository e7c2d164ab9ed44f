import { defineConfig } from "oxlint";

/** What may not be imported, with the reason. Each room below lifts some of these or adds its own. */
type Ban = { group: string[]; message: string; allowTypeImports?: true };

const ORM: Ban = {
  group: ["drizzle-orm", "drizzle-orm/**"],
  message: "SQL is written in packages/shared/src/db.",
};
const DRIVER: Ban = {
  group: ["postgres"],
  message: "The driver is opened in packages/shared/src/db.",
  allowTypeImports: true,
};
const ONNX: Ban = {
  group: ["onnxruntime-node", "onnxruntime-node/**"],
  message: "Sessions live in packages/worker/src/inference.",
};
const APPS: Ban = {
  group: [
    "@earshot/api",
    "@earshot/api/**",
    "@earshot/worker",
    "@earshot/worker/**",
    "**/api/src/**",
    "**/worker/src/**",
  ],
  message: "Only cli and testkit may enter api and worker.",
};
const CLI: Ban = {
  group: ["@earshot/cli", "@earshot/cli/**", "**/cli/src/**"],
  message: "Nothing but testkit enters cli.",
};
const TESTKIT: Ban = {
  group: ["@earshot/testkit", "@earshot/testkit/**", "**/testkit/src/**"],
  message: "Only tests may use the testkit.",
};
const EVERYWHERE = [ORM, DRIVER, ONNX, APPS, CLI, TESTKIT];

const TESTS = ["**/*.test.ts", "**/testing/**", "packages/*/test/**"];

interface Room {
  files: string[];
  /** Bans that do not hold here. */
  lifts?: Ban[];
  /** Bans that hold here alone. */
  adds?: Ban[];
}

/** Later rooms win over earlier ones: a test in a room is a test first. */
const ROOMS: Room[] = [
  { files: ["packages/shared/src/db/**"], lifts: [ORM, DRIVER] },
  {
    files: ["packages/shared/src/domain/**"],
    adds: [{ group: ["**", "!zod", "!./*"], message: "domain/ is pure: zod and itself." }],
  },
  {
    files: ["packages/shared/src/queue/**"],
    adds: [{ group: ["**/db/**"], message: "queue/ enters domain/ alone." }],
  },
  {
    files: ["packages/shared/src/crypto/**"],
    adds: [
      {
        group: ["**/db/**", "**/queue/**", "node:*"],
        message: "crypto/ is Web Crypto and domain/: it runs at the edge.",
      },
    ],
  },
  {
    files: ["packages/worker/src/signal/**"],
    adds: [{ group: ["**", "!./*"], message: "signal/ is pure arithmetic: it enters nothing but itself." }],
  },
  { files: ["packages/worker/src/inference/**"], lifts: [ONNX] },
  {
    files: ["packages/worker/src/tasks/**"],
    adds: [
      {
        group: ["**/db/**", "**/queue/**", "**/config", "**/config.ts", "**/config/**", "**/*-config.ts"],
        message: "A task gets all it needs as arguments: no database, queue or config.",
      },
      {
        group: ["**/input/**"],
        message: "A task is given audio: of input/ it knows types alone.",
        allowTypeImports: true,
      },
    ],
  },
  {
    files: ["packages/sdk/src/**"],
    adds: [{ group: ["**", "!./*"], message: "The SDK depends on nothing: it runs wherever fetch does." }],
  },
  { files: ["packages/cli/**"], lifts: [APPS, CLI] },
  { files: ["packages/bench/**"], lifts: [APPS, CLI, TESTKIT, DRIVER] },
  { files: TESTS, lifts: [TESTKIT, DRIVER] },
  { files: ["scripts/images/**"], lifts: [CLI] },
  { files: ["scripts/settings.test.ts"], lifts: [APPS, CLI] },
  { files: ["infra/test/**"], lifts: [APPS] },
  { files: ["packages/shared/src/db/**/*.test.ts"], lifts: [TESTKIT, DRIVER, ORM] },
  { files: ["packages/worker/src/inference/**/*.test.ts"], lifts: [TESTKIT, DRIVER, ONNX] },
  { files: ["packages/cli/**/*.test.ts", "packages/testkit/**"], lifts: [TESTKIT, DRIVER, APPS, CLI] },
];

/** The environment is read where a process begins, and handed on as arguments. */
const MAY_READ_ENVIRONMENT = [
  "**/*.main.ts",
  "**/entry.*.ts",
  "**/config.ts",
  "**/config/**",
  "packages/cli/bin/**",
  "packages/cli/src/main.ts",
  "packages/testkit/**",
  "scripts/**",
  "infra/settings.ts",
  "infra/test/**",
  ...TESTS,
];

/** Where a tool asks for a default export. */
const MAY_EXPORT_DEFAULT = [
  "*.config.ts",
  "scripts/infra/extract-platform.ts",
  "packages/testkit/src/global-setup.ts",
  "packages/api/src/entry.workers.ts",
  "packages/bench/bare-worker/worker.ts",
];

function restrictedImports({ lifts = [], adds = [] }: Pick<Room, "lifts" | "adds">): RestrictedImports {
  const patterns = [...EVERYWHERE.filter((ban) => !lifts.includes(ban)), ...adds];
  return { "no-restricted-imports": ["error", { patterns }] };
}

type RestrictedImports = { "no-restricted-imports": ["error", { patterns: Ban[] }] };

export default defineConfig({
  plugins: ["eslint", "oxc", "typescript", "unicorn", "import", "node", "promise", "vitest"],
  categories: { correctness: "error", suspicious: "error" },
  rules: {
    ...restrictedImports({}),
    eqeqeq: "error",
    "no-nested-ternary": "error",
    "no-var": "error",
    "prefer-const": "error",
    "typescript/consistent-type-imports": "error",
    "typescript/no-explicit-any": "error",
    "typescript/no-non-null-assertion": "error",
    "import/no-cycle": "error",
    "import/no-default-export": "error",
    "node/no-process-env": "error",
    "vitest/no-disabled-tests": "error",
    "vitest/no-focused-tests": "error",
    "vitest/valid-expect": ["error", { maxArgs: 2 }],
    // Noise here: inner functions carry their maker's name, magic bytes are control characters, tests loop over tables.
    "no-control-regex": "off",
    "no-shadow": "off",
    "no-underscore-dangle": "off",
    "no-unmodified-loop-condition": "off",
    "import/no-named-as-default-member": "off",
    "import/no-unassigned-import": "off",
    "promise/no-promise-in-callback": "off",
    "unicorn/consistent-function-scoping": "off",
    "vitest/expect-expect": "off",
    "vitest/no-conditional-expect": "off",
    "vitest/require-mock-type-parameters": "off",
    "vitest/require-to-throw-message": "off",
  },
  overrides: [
    ...ROOMS.map((room) => ({ files: room.files, rules: restrictedImports(room) })),
    { files: MAY_READ_ENVIRONMENT, rules: { "node/no-process-env": "off" } },
    { files: MAY_EXPORT_DEFAULT, rules: { "import/no-default-export": "off" } },
    // It must run on Node 18, which has no toSorted.
    { files: ["packages/cli/bin/**"], rules: { "unicorn/no-array-sort": "off" } },
    // A resource is declared by making it.
    { files: ["infra/*.ts"], rules: { "no-new": "off" } },
    // `sst` writes this reference and needs it.
    { files: ["sst.config.ts"], rules: { "typescript/triple-slash-reference": "off" } },
  ],
  ignorePatterns: ["**/golden/**", ".sst/**"],
});
