import { describe, expect, it } from "vitest";
import type { FlowRecord } from "../../src/pipeline/index.js";
import { flowCsv } from "../../src/report/index.js";

const record: FlowRecord = {
  firstPacket: 1,
  flow: {
    row: 0,
    serial: 0,
    transport: "icmp",
    ipVersion: 4,
    originator: { address: "192.168.0.1", port: undefined },
    responder: { address: "203.0.113.9", port: undefined },
    originatorRange: "private",
    responderRange: undefined,
    originatorGuessed: false,
    tcpState: undefined,
    packets: { originator: 2, responder: 1 },
    bytes: { originator: 196, responder: 98 },
    first: { seconds: 0, nanoseconds: 0 },
    last: { seconds: 9e15, nanoseconds: 0 },
    tunnel: undefined,
  },
  classification: { flowClass: "clearnet", evidence: [{ kind: "not-listed" }] },
  names: ["=a,b", "example.com"],
  remote: { side: "responder", endpoint: { address: "203.0.113.9", port: undefined } },
  facts: undefined,
  carried: undefined,
  process: undefined,
};

describe("flowCsv", () => {
  it("leaves what is not known empty, and lets neither names nor impossible times become formulas", () => {
    expect(flowCsv(record, 6)).toBe(
      "1970-01-01T00:00:00.000000Z,'@9000000000000000.000000,icmp,192.168.0.1,,203.0.113.9,,clearnet,not-listed,,," +
        `"'=a,b example.com",,,,2,1,196,98,,false,,,,,,\r\n`,
    );
  });
});
