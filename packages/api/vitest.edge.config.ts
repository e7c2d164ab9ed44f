import { fileURLToPath } from "node:url";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** Tests that run in workerd, against the Worker of wrangler.jsonc and the real services of the run. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [
    cloudflareTest(({ inject }) => {
      const { databaseUrl, variables } = inject("edge");
      return {
        wrangler: { configPath: pathOf("wrangler.jsonc") },
        miniflare: { hyperdrives: { HYPERDRIVE: databaseUrl }, bindings: variables },
      };
    }),
  ],
  test: {
    name: "edge",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    include: ["src/**/*.edge.test.ts"],
    globalSetup: [pathOf("test/edge/global-setup.ts")],
  },
});
