import { describe, expect, it } from "vitest";
import { parseAddress } from "../../src/net/index.js";
import { type ConsensusDocument, RelayDirectory, type RelayMatch } from "../../src/relays/index.js";
import { TEN } from "./documents.js";
import { atHour, type Endpoints } from "./hours.js";

const HOUR = 3600;
const HERE: Endpoints = { first: "192.0.2.7 9001", second: "198.51.100.200 443" };
const GONE: Endpoints = { second: "198.51.100.200 443" };
const MOVED: Endpoints = { first: "192.0.2.7 443", second: "198.51.100.200 443" };

function match(
  documents: readonly ConsensusDocument[],
  seconds: number,
  port = 9001,
  address = "192.0.2.7",
): RelayMatch | undefined {
  const { version, a, b, c, d } = parseAddress(address)!;
  return new RelayDirectory({ documents }).match(version, a, b, c, d, port, true, seconds);
}

/** [kind, source, listedFrom, listedUntil] */
function told(found: RelayMatch | undefined): unknown[] {
  if (found?.kind !== "consensus") return [found?.kind];
  const clock = (time: string | undefined) => time?.slice(11, 16);
  return [found.source, clock(found.listedFrom), clock(found.listedUntil)];
}

describe("where documents of neighbouring hours disagree", () => {
  it("a relay that all of them list is just listed: no time stands in the evidence", () => {
    const found = match([atHour(0, HERE), atHour(1, HERE), atHour(2, HERE)], TEN + HOUR + 60);
    expect(told(found)).toEqual(["hour 1", undefined, undefined]);
    expect(found).not.toHaveProperty("listedFrom");
    expect(found).not.toHaveProperty("listedUntil");
  });

  it("nothing is said at the edges, where there is no document to disagree", () => {
    expect(told(match([atHour(0, HERE)], TEN + 60))).toEqual(["hour 0", undefined, undefined]);
  });

  it("a relay that joined is listed from then on, and an hour later just listed", () => {
    const documents = [atHour(0, GONE), atHour(1, HERE), atHour(2, HERE), atHour(3, HERE)];
    expect(told(match(documents, TEN + HOUR + 60))).toEqual(["hour 1", "11:00", undefined]);
    expect(told(match(documents, TEN + 2 * HOUR))).toEqual(["hour 2", undefined, undefined]);
    // The document of 11:00 is handed out at 10:56.
    expect(told(match(documents, TEN + HOUR - 240))).toEqual(["hour 1", "11:00", undefined]);
    expect(told(match(documents, TEN + HOUR - 241))).toEqual(["consensus-out-of-reach"]);
  });

  it("a relay that left is listed until then, for as long as a client may go by the older document", () => {
    const documents = [atHour(0, HERE), atHour(1, HERE), ...[2, 3, 4, 5].map((hour) => atHour(hour, GONE))];
    expect(told(match(documents, TEN + 60))).toEqual(["hour 0", undefined, undefined]);
    expect(told(match(documents, TEN + HOUR + 60))).toEqual(["hour 1", undefined, "12:00"]);
    expect(told(match(documents, TEN + 2 * HOUR + 60))).toEqual(["hour 1", undefined, "12:00"]);
    const late = match(documents, TEN + 5 * HOUR);
    expect(told(late)).toEqual(["hour 1", undefined, "12:00"]);
    expect(late).toMatchObject({ freshness: "reachable" });
    // 14:00 and a day.
    expect(told(match(documents, TEN + 28 * HOUR))).toEqual(["hour 1", undefined, "12:00"]);
    expect(told(match(documents, TEN + 28 * HOUR + 1))).toEqual(["consensus-out-of-reach"]);
  });

  it("a relay listed for one hour only has both times", () => {
    const documents = [atHour(0, GONE), atHour(1, HERE), atHour(2, GONE)];
    expect(told(match(documents, TEN + HOUR + 60))).toEqual(["hour 1", "11:00", "12:00"]);
  });

  it("a relay that moved its port left the one and joined the other", () => {
    const documents = [atHour(0, HERE), atHour(1, HERE), atHour(2, MOVED), atHour(3, MOVED)];
    expect(told(match(documents, TEN + 2 * HOUR + 60, 443))).toEqual(["hour 2", "12:00", undefined]);
    expect(told(match(documents, TEN + 2 * HOUR + 60, 9001))).toEqual(["hour 1", undefined, "12:00"]);
    expect(told(match(documents, TEN + 60, 443))).toEqual(["consensus-out-of-reach"]);
    expect(told(match(documents, TEN + 2 * HOUR + 60, 22))).toEqual(["relay-address-other-port"]);
  });

  it("a missing hour is no change", () => {
    const documents = [atHour(0, HERE), atHour(2, HERE), atHour(7, HERE)];
    for (const seconds of [TEN, TEN + HOUR, TEN + 2 * HOUR, TEN + 4 * HOUR, TEN + 7 * HOUR]) {
      expect(told(match(documents, seconds)).slice(1)).toEqual([undefined, undefined]);
    }
  });

  it("after a missing hour the next document at hand tells, unless it is out of the reach of the one before", () => {
    expect(told(match([atHour(0, HERE), atHour(3, GONE)], TEN + HOUR))).toEqual(["hour 0", undefined, "13:00"]);
    expect(told(match([atHour(0, GONE), atHour(3, HERE)], TEN + 3 * HOUR))).toEqual(["hour 3", "13:00", undefined]);
    const reach = 27;
    expect(told(match([atHour(0, HERE), atHour(reach, GONE)], TEN))).toEqual(["hour 0", undefined, "13:00"]);
    expect(told(match([atHour(0, HERE), atHour(reach + 1, GONE)], TEN))).toEqual(["hour 0", undefined, undefined]);
    expect(told(match([atHour(0, GONE), atHour(reach + 1, HERE)], TEN + (reach + 1) * HOUR)).slice(1)).toEqual([
      undefined,
      undefined,
    ]);
  });

  it("the two flavors of an hour are no neighbours, and a document is compared with its own flavor", () => {
    const ns = { flavor: "ns" } as const;
    const documents = [atHour(0, GONE, ns), atHour(0, HERE), atHour(1, HERE, ns), atHour(1, HERE), atHour(2, HERE, ns)];
    expect(told(match(documents, TEN + HOUR + 60))).toEqual(["hour 1", undefined, undefined]);
    // Where its own flavor is missing, the other one speaks for the hour.
    expect(told(match([atHour(0, GONE, ns), atHour(1, HERE)], TEN + HOUR))).toEqual(["hour 1", "11:00", undefined]);
  });

  it("each address of a relay has its own times", () => {
    const both: Endpoints = { first: "192.0.2.7 9001,[2001:db8::7]:9001" };
    const documents = [atHour(0, { first: "192.0.2.7 9001" }), atHour(1, both), atHour(2, both)];
    const directory = new RelayDirectory({ documents });
    const at = (address: string) => {
      const { version, a, b, c, d } = parseAddress(address)!;
      return told(directory.match(version, a, b, c, d, 9001, true, TEN + HOUR + 60));
    };
    expect(at("192.0.2.7")).toEqual(["hour 1", undefined, undefined]);
    expect(at("2001:db8::7")).toEqual(["hour 1", "11:00", undefined]);
  });

  it("flows share their evidence", () => {
    const directory = new RelayDirectory({ documents: [atHour(0, HERE), atHour(1, GONE)] });
    const { a, b, c, d } = parseAddress("192.0.2.7")!;
    const ask = (seconds: number) => directory.match(4, a, b, c, d, 9001, true, seconds);
    expect(ask(TEN + 60)).toBe(ask(TEN + 61));
    expect(ask(TEN + 60)).toBe(ask(TEN + HOUR - 1));
  });
});

describe("a month of documents", () => {
  const month = Array.from({ length: 720 }, (_, hour) => atHour(hour, hour === 3 ? MOVED : HERE));
  const directory = new RelayDirectory({ documents: month });
  const { a, b, c, d } = parseAddress("192.0.2.7")!;

  it.each([
    ["listed", 9001],
    ["once listed", 443],
    ["never listed", 22],
  ])("costs a flow little at a port that is %s, though each is in another second", (_, port) => {
    const flows = 10_000;
    const begun = performance.now();
    for (let i = 0; i < flows; i++) directory.match(4, a, b, c, d, port, true, TEN + 400 * HOUR + i * 50);
    // Some 1 to 10 µs; asking 720 documents takes 50 and more.
    expect(((performance.now() - begun) * 1000) / flows).toBeLessThan(40);
  });
});
