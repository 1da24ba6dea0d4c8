import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Golden files hold UTC; a test that means another zone sets it for the process that it starts.
    env: { TZ: "UTC" },
    // End-to-end tests start whole programs, on machines with two busy cores.
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
});
