import { describe, expect, it } from "vitest";
import { TimeShare } from "../../src/host/time-share.js";

describe("a share of the time", () => {
  it("may be spent at once after a rest", () => {
    const time = new TimeShare(0.1, 200, 1_000);
    expect(time.pauseAt(1_000)).toBe(0);
    time.spend(1_000, 1_150);
    expect(time.pauseAt(1_150)).toBe(0);
  });

  it("is kept in the long run", () => {
    const time = new TimeShare(0.1, 200, 0);
    let now = 0;
    let spent = 0;
    while (now < 100_000) {
      time.spend(now, now + 20);
      spent += 20;
      now += 20;
      now += time.pauseAt(now);
    }
    expect(spent).toBeGreaterThan(9_900);
    expect(spent).toBeLessThan(10_300);
  });

  it("does not pile up over a long rest", () => {
    const time = new TimeShare(0.1, 200, 0);
    time.spend(1e9, 1e9 + 300);
    expect(time.pauseAt(1e9 + 300)).toBeCloseTo(1_000);
    expect(time.pauseAt(1e9 + 1_300)).toBeCloseTo(0);
  });
});
