import { defineConfig } from "vitest/config";

const everywhere = ["packages/*/src/**/*.test.ts", "scripts/**/*.test.ts"];

export default defineConfig({
  test: {
    // Two cores: more workers only make the chaos tests wait for each other.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ["default"],
    projects: [
      {
        extends: true,
        test: {
          name: "fast",
          include: everywhere,
          exclude: ["**/*.golden.test.ts", "**/*.long.test.ts", "**/*.edge.test.ts", "**/node_modules/**"],
          globalSetup: ["packages/testkit/src/global-setup.ts"],
        },
      },
      "packages/api/vitest.edge.config.ts",
      {
        extends: true,
        test: {
          name: "infra",
          include: ["infra/**/*.test.ts"],
          // Reading the platform of two clouds takes seconds, and a minute where the machine is busy.
          hookTimeout: 180_000,
          globalSetup: ["scripts/infra/extract-platform.ts"],
        },
      },
      { extends: true, test: { name: "golden", include: ["packages/*/src/**/*.golden.test.ts"] } },
      {
        extends: true,
        test: {
          name: "long",
          include: ["packages/*/src/**/*.long.test.ts"],
          globalSetup: ["packages/testkit/src/global-setup.ts"],
        },
      },
    ],
  },
});
