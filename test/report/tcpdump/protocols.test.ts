import { describe, expect, it } from "vitest";
import { ethernet } from "../../support/packet-builder.js";
import { compare, everyPrefix, frames } from "./oracle.js";
import { packetGroups } from "./samples.js";

const ETHERNET = 1;

describe.each(Object.entries(packetGroups))("%s packets", (_name, packets) => {
  const inEthernet = packets.map((packet) => ethernet({}, packet));

  it("print as tcpdump prints them", () => {
    expect(compare(frames(...inEthernet), ETHERNET)).toEqual([]);
  });

  it("print as tcpdump -q prints them", () => {
    expect(compare(frames(...inEthernet), ETHERNET, { quiet: true }, ["-q"])).toEqual([]);
  });

  it("print as tcpdump -e prints them", () => {
    expect(compare(frames(...inEthernet), ETHERNET, { linkLevel: true }, ["-e"])).toEqual([]);
  });

  it("print as tcpdump prints them when cut to any length", () => {
    // Long packets differ only in their payload, so a part of each kind is enough.
    const step = Math.max(1, Math.floor(inEthernet.length / 150));
    const chosen = inEthernet.filter((_, i) => i % step === 0);
    expect(
      compare(
        chosen.flatMap((frame) => everyPrefix(frame.subarray(0, 150), 12)),
        ETHERNET,
      ),
    ).toEqual([]);
  });
});
