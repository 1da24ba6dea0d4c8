import { describe, expect, it } from "vitest";
import { listingText } from "../../src/report/index.js";

describe("listingText", () => {
  it.each([
    [{}, ""],
    [{ listedFrom: "2026-11-22T10:00:00Z" }, "listed from 2026-11-22 10:00 UTC"],
    [{ listedUntil: "2026-11-22T10:49:36Z" }, "listed until 2026-11-22 10:49:36 UTC"],
    [
      { listedFrom: "2026-11-22T10:00:00Z", listedUntil: "2026-11-22T11:00:00Z" },
      "listed from 2026-11-22 10:00 until 2026-11-22 11:00 UTC",
    ],
  ])("%j is %j", (listed, text) => {
    expect(listingText(listed)).toBe(text);
  });
});
