import { describe, expect, it } from "vitest";
import { concat, dns, dnsQuery } from "../../support/packet-builder.js";
import { detailsOf, disclosed } from "../conversation.js";
import { recognised, tshark, understand } from "./datagrams.js";
import { a, question, rawMessage } from "./messages.js";

const PATH = { src: "192.168.1.5", srcPort: 51_000, dst: "224.0.0.252", dstPort: 5355 };
const query = (name: string, type = 1) => rawMessage(0, [question(name, type)], [[], [], []], 0x1234);
const REPLY = dns({
  response: true,
  recursionDesired: false,
  questions: [{ name: "FileServer" }],
  answers: [a("FileServer", "192.168.1.7")],
});

describe("LLMNR", () => {
  it("tells which machine is looked for, and where it is", () => {
    const { facts, names } = understand(PATH, [
      { payload: query("FileServer") },
      { payload: query("FileServer", 28) },
      { side: 1, payload: REPLY },
    ]);
    expect([facts?.protocol, facts?.by]).toEqual(["llmnr", "content"]);
    expect(detailsOf(facts)).toEqual({ questions: ["fileserver A", "fileserver AAAA"] });
    expect(disclosed(facts)).toEqual([
      "dns-question: fileserver",
      "host-name: fileserver",
      "dns-answer: fileserver -> 192.168.1.7",
    ]);
    expect(names.knowsName("FILESERVER")).toBe(true);
    expect(names.namesOf("192.168.1.7", 1_800_000_000, 0)).toEqual(["fileserver"]);
    expect(tshark(PATH, query("FileServer"), "_ws.col.Protocol", "dns.qry.name")).toEqual(["LLMNR", "FileServer"]);
  });

  it("takes names with dots for questions only", () => {
    const { facts } = understand(PATH, [{ payload: query("5.1.168.192.in-addr.arpa", 12) }]);
    expect(disclosed(facts)).toEqual(["dns-question: 5.1.168.192.in-addr.arpa"]);
  });

  it("is an answer alone, too", () => {
    expect(recognised({ src: "192.168.1.7", srcPort: 5355, dst: "192.168.1.5", dstPort: 51_000 }, REPLY)).toBe(
      "llmnr by content",
    );
  });

  it("is not a query to a resolver on the same port, nor on another port", () => {
    expect(recognised(PATH, dnsQuery("fileserver"))).toBe("dns by content");
    expect(recognised({ ...PATH, dstPort: 5356 }, query("fileserver"))).toBe("dns by content");
  });

  it("is not what breaks its rules", () => {
    for (const other of [
      concat(query("a"), [0]),
      query("a").slice(0, -1),
      rawMessage(0x0010, [question("a b", 1)], [[], [], []]),
      rawMessage(0, [question("a b", 1), question("b", 1)], [[], [], []]),
      rawMessage(0, [], [[], [], []]),
      new Uint8Array(60),
      new Uint8Array(60).fill(0xff),
    ]) {
      expect(recognised(PATH, other)).toBeUndefined();
    }
  });
});
