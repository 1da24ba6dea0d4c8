import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatConsensus, generateRelays } from "../../bench/consensus-generator.mjs";
import { ArchiveIndex } from "../../src/archive/index.js";
import { type IpAddress, parseAddress } from "../../src/net/index.js";
import { type Consensus, parseConsensus } from "../../src/relays/index.js";
import { signDocument } from "../relays/signed-documents.js";
import { authorities, certificates, HOUR, openArchive, scratchFolder } from "./signed-network.js";

const scratch = scratchFolder();
/** 2026-11-30 20:00:00: the hours reach over the end of the month. */
const EVENING = Date.UTC(2026, 10, 30, 20) / 1000;
const HOURS = 8;

/** Relays that come, go, change flags and move their ports from hour to hour. */
const pool = generateRelays({ count: 60, dirPortShare: 0.4 });
const documents = Array.from({ length: HOURS }, (_, hour) => {
  const relays = pool
    .filter((_, i) => (i * 7 + hour * 3) % 5 !== 0)
    .map((relay, i) => ({
      ...relay,
      orPort: (i + hour) % 11 === 0 ? relay.orPort + 1 : relay.orPort,
      flags: (i + hour) % 3 === 0 ? ["Exit", "Running", "Valid"] : ["Running", "Valid"],
    }));
  const flavor = hour % 2 === 0 ? "microdesc" : "ns";
  const text = formatConsensus(relays, { flavor, validAfter: EVENING + hour * HOUR });
  return Buffer.from(signDocument(text, authorities, flavor === "ns" ? "sha1" : "sha256"), "latin1");
});
const words = ({ version, a, b, c, d }: IpAddress) => [version, a, b, c, d] as const;

describe("a consensus by the index", () => {
  it("says what the document says", async () => {
    const archive = openArchive(join(mkdtempSync(join(scratch, "a-")), "leek"));
    await archive.add(Buffer.from(certificates), "certs");
    for (const document of documents) await archive.add(document, "document");
    const index = await ArchiveIndex.open(archive);
    expect(index.consensuses).toHaveLength(HOURS);
    for (const [hour, indexed] of index.consensuses.entries()) {
      const document = parseConsensus(documents[hour]!, indexed.source);
      for (const field of [
        "flavor",
        "validAfter",
        "freshUntil",
        "validUntil",
        "reachFrom",
        "reachUntil",
        "relayCount",
      ] as const) {
        expect([field, indexed[field]]).toEqual([field, document[field]]);
      }
      expect(indexed.verification).toEqual({ state: "verified", good: 3, needed: 2, authorities: 3 });
      expect(indexed.anomalies).toEqual(document.anomalies);
      expect(indexed.allRelays()).toEqual(
        [...document.allRelays()].sort((x, y) => (x.fingerprint < y.fingerprint ? -1 : 1)),
      );
      for (const relay of pool) {
        for (const endpoint of endpointsOf(relay))
          expect(answers(indexed, endpoint)).toEqual(answers(document, endpoint));
      }
    }
  });
});

function endpointsOf(relay: (typeof pool)[number]) {
  const own = { address: parseAddress(relay.address)!, port: relay.orPort };
  const ipv6 = relay.ipv6 === undefined ? [] : [{ address: parseAddress(relay.ipv6.address)!, port: relay.ipv6.port }];
  return [own, { ...own, port: own.port + 1 }, { ...own, port: relay.dirPort ?? 80 }, ...ipv6];
}

/** All that it can be asked of an endpoint, with relays by what they are and not by numbers, which differ. */
function answers(consensus: Consensus, { address, port }: { address: IpAddress; port: number }) {
  const who = (relay: number) => (relay < 0 ? undefined : consensus.identity(relay));
  const found = consensus.lookup(...words(address), port);
  return {
    lookup: who(found),
    relay: found < 0 ? undefined : consensus.relay(found),
    byFingerprint: found < 0 ? undefined : who(consensus.findFingerprint(consensus.identity(found).fingerprint)),
    // Of two relays with one DirPort, which no network has, either may be meant.
    dirPort: consensus.lookupDirPort(address.version, address.d, port) >= 0,
    anyPort: consensus.lookupAnyPort(...words(address))?.port,
    ports: consensus.portsAt(...words(address)).map((it) => [it.port, who(it.relay)]),
    neighbours: consensus.neighbours(address).map((it) => [it.address, it.port, who(it.relay)]),
  };
}
