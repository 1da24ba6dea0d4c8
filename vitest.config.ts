import { defineConfig } from "vitest/config";

/** What measures loss, memory or time, or counts on the machine's attention: one file at a time. */
const ALONE = [
  "test/**/*allocation*.test.ts",
  "test/capture/live.test.ts",
  "test/capture/live/**/*.test.ts",
  "test/capture/pcapng-writer.test.ts",
  "test/cli/audit-{canary,live}.test.ts",
  "test/cli/capture*.test.ts",
  "test/cli/process*.test.ts",
  "test/host/**/*.test.ts",
];

export default defineConfig({
  test: {
    // Golden files hold UTC; a test that means another zone sets it for the process that it starts.
    env: { TZ: "UTC" },
    // End-to-end tests start whole programs, on machines with two busy cores.
    testTimeout: 30_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: "together",
          include: ["test/**/*.test.ts"],
          exclude: ALONE,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      { extends: true, test: { name: "alone", include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
});
