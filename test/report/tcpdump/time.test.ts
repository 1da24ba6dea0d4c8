import { describe, expect, it } from "vitest";
import { LinkType } from "../../../src/base/index.js";
import type { TimeStyle } from "../../../src/report/tcpdump/index.js";
import { ethernet, filler, ipv4, udp } from "../../support/packet-builder.js";
import { differences, type Frame, leekTexts, tcpdumpText } from "./oracle.js";

const bytes = ethernet({}, ipv4({}, udp({}, filler(3))));

function at(seconds: number, nanoseconds = 0): Frame {
  return { bytes, seconds, nanoseconds };
}

const moments = [
  at(1_700_000_000, 123_456_000),
  at(1_700_000_000, 123_456_000),
  at(1_700_000_000, 999_999_000),
  at(1_700_000_001, 1_000),
  at(1_700_000_000, 5_000),
  at(1_700_090_000, 0),
  at(1_600_000_000, 100_000_000),
  at(1, 0),
  at(0, 0),
  at(0, 7_000),
  at(2_147_483_647, 1_000),
  at(2_147_483_648, 1_000),
  at(4_294_967_295, 1_000),
  // Either side of the ends of summer time in Berlin.
  at(1_698_541_199),
  at(1_698_541_200),
  at(1_711_846_799),
  at(1_711_846_800),
];

const styles: readonly (readonly [TimeStyle, string[]])[] = [
  ["clock", []],
  ["none", ["-t"]],
  ["epoch", ["-tt"]],
  ["delta", ["-ttt"]],
  ["date", ["-tttt"]],
  ["since-first", ["-ttttt"]],
];

/** The offset of a zone by the runtime's own zone data. */
function offsetIn(zone: string): (seconds: number) => number {
  const format = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" });
  return (seconds) => {
    const name = format.formatToParts(seconds * 1000).find((part) => part.type === "timeZoneName")!.value;
    const match = /GMT([+-])(\d+):(\d+)/.exec(name);
    if (match === null) return 0;
    return (match[1] === "-" ? -1 : 1) * (Number(match[2]) * 3600 + Number(match[3]) * 60);
  };
}

describe.each(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns"])("time stamps in the zone %s", (zone) => {
  it.each(styles)("of style %s print as tcpdump prints them", (time, flags) => {
    const texts = leekTexts(moments, LinkType.EN10MB, { time, utcOffsetSeconds: offsetIn(zone) });
    expect(differences(texts, tcpdumpText(moments, LinkType.EN10MB, flags, zone), moments)).toEqual([]);
  });
});

describe("time stamps", () => {
  it.each(styles)("of style %s print six digits of a nanosecond capture", (time, flags) => {
    const list = [at(1_700_000_000, 123_456_789), at(1_700_000_000, 999_999_999), at(1_700_000_001, 1)];
    const texts = leekTexts(list, LinkType.EN10MB, { time });
    expect(differences(texts, tcpdumpText(list, LinkType.EN10MB, flags), list)).toEqual([]);
  });

  it("stand behind the packet's number", () => {
    const texts = leekTexts(moments, LinkType.EN10MB, { number: true });
    expect(differences(texts, tcpdumpText(moments, LinkType.EN10MB, ["-#"]), moments)).toEqual([]);
  });
});
