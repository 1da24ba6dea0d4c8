import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  escapeCsv,
  escapeText,
  fileError,
  formatIsoSeconds,
  formatIsoTime,
  LeekError,
  parseUtcTime,
} from "../../src/base/index.js";

describe("time", () => {
  it("is ISO 8601 in UTC with the capture's digits", () => {
    expect(formatIsoTime(1_700_000_000, 123_456_789, 6)).toBe("2023-11-14T22:13:20.123456Z");
    expect(formatIsoTime(1_700_000_000, 123_456_789, 9)).toBe("2023-11-14T22:13:20.123456789Z");
    expect(formatIsoTime(0, 0, 6)).toBe("1970-01-01T00:00:00.000000Z");
  });

  it("shows seconds beyond every calendar instead of failing", () => {
    expect(formatIsoTime(2 ** 50, 5, 9)).toBe(`@${2 ** 50}.000000005`);
    expect(formatIsoSeconds(2 ** 50)).toBe(`@${2 ** 50}`);
    expect(formatIsoSeconds(0)).toBe("1970-01-01T00:00:00Z");
  });

  it("reads back what it wrote", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (seconds) => {
        expect(parseUtcTime(formatIsoTime(seconds, 0, 6))).toBe(seconds);
      }),
    );
  });

  it.each(["2026-11-22", "2026-11-22 00:00", "2026-11-22T00:00:00Z"])("reads %s as the same moment", (text) => {
    expect(parseUtcTime(text)).toBe(Date.UTC(2026, 10, 22) / 1000);
  });

  it("takes the years 0 to 99 for what they are", () => {
    expect(formatIsoSeconds(parseUtcTime("0050-03-01")!)).toBe("0050-03-01T00:00:00Z");
    expect(formatIsoSeconds(parseUtcTime("0000-02-29 23:59:59")!)).toBe("0000-02-29T23:59:59Z");
    expect(parseUtcTime("0001-02-29")).toBeUndefined();
  });

  it.each(["", "now", "2026-02-30", "2026-13-01", "2026-11-22 24:01", "2026-11-22 10:60", "22.11.2026"])(
    "reads %j as no time",
    (text) => {
      expect(parseUtcTime(text)).toBeUndefined();
    },
  );
});

describe("escaping", () => {
  it("leaves no character that could move a cursor, ring a bell or reorder text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
        expect(escapeText(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
      }),
    );
    expect(escapeText("a\u001b[31mb\u202ec")).toBe("a\\x1b[31mb\\u{202e}c");
  });

  it("leaves ordinary names alone", () => {
    expect(escapeText("seed.bitcoin.sipa.be, grün 丈")).toBe("seed.bitcoin.sipa.be, grün 丈");
  });

  it("keeps a CSV field one field, and a formula no formula", () => {
    expect(escapeCsv('a,"b"')).toBe('"a,""b"""');
    expect(escapeCsv("=1+1")).toBe("'=1+1");
    expect(escapeCsv("@SUM(A1)")).toBe("'@SUM(A1)");
  });
});

describe("fileError", () => {
  it.each([
    ["ENOENT", "no-input"],
    ["EACCES", "permission"],
    ["EISDIR", "no-input"],
    ["EIO", "io"],
  ])("tells %s as %s", (code, kind) => {
    const error = fileError(Object.assign(new Error("x"), { code }), "capture", "a.pcap");
    expect(error).toBeInstanceOf(LeekError);
    expect(error.kind).toBe(kind);
    expect(error.message).toContain("a.pcap");
  });
});
