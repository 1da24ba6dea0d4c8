import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatConsensus, generateRelays } from "../../bench/consensus-generator.mjs";
import { type Archive, ArchiveIndex, type RelayHistory, stateAt } from "../../src/archive/index.js";
import { formatAddress, type IpAddress, parseAddress } from "../../src/net/index.js";
import { parseConsensus } from "../../src/relays/index.js";
import { signDocument } from "../relays/signed-documents.js";
import {
  authorities,
  certificates,
  consensus,
  HOUR,
  network,
  openArchive,
  relays,
  scratchFolder,
  TEN,
} from "./signed-network.js";

const scratch = scratchFolder();
const pool = generateRelays({ count: 30, dirPortShare: 0.4 });
/** 2026-11-30 20:00:00: runs reach over the end of the month. */
const EVENING = Date.UTC(2026, 10, 30, 20) / 1000;

interface Hour {
  readonly number: number;
  /** Which relays of the pool are listed. */
  readonly listed: readonly boolean[];
  /** Which of them are exits. */
  readonly exits: readonly boolean[];
}

function documentOf({ number, listed, exits }: Hour, flavor: "ns" | "microdesc" = "microdesc"): Buffer {
  const relays = pool
    .map((relay, i) => ({ ...relay, flags: exits[i] ? ["Exit", "Running", "Valid"] : ["Running", "Valid"] }))
    .filter((_, i) => listed[i]);
  const text = formatConsensus(relays, { flavor, validAfter: EVENING + number * HOUR });
  return Buffer.from(signDocument(text, authorities, flavor === "ns" ? "sha1" : "sha256"), "latin1");
}

async function newArchive(): Promise<Archive> {
  const archive = openArchive(join(mkdtempSync(join(scratch, "a-")), "leek"));
  await archive.add(Buffer.from(certificates), "certs");
  return archive;
}

const address = (text: string): IpAddress => parseAddress(text)!;

/** What reading all documents says: for each endpoint and relay the times at which it is listed, with flags. */
function truth(hours: readonly Hour[]): Map<string, [time: number, flags: string][]> {
  const found = new Map<string, [number, string][]>();
  for (const hour of [...hours].sort((x, y) => x.number - y.number)) {
    const document = parseConsensus(documentOf(hour), "x");
    for (let i = 0; i < document.relayCount; i++) {
      const { fingerprint, flags, address: at, orPort, dirPort, orAddresses } = document.relay(i);
      const endpoints = [
        { address: at, port: orPort, role: "or" },
        ...orAddresses.map((it) => ({ ...it, role: "or" })),
      ];
      if (dirPort !== undefined) endpoints.push({ address: at, port: dirPort, role: "dir" });
      for (const endpoint of endpoints) {
        const key = `${fingerprint} ${endpoint.role} ${endpoint.address} ${endpoint.port}`;
        const times = found.get(key) ?? [];
        found.set(key, times);
        times.push([document.validAfter, flags.join(" ")]);
      }
    }
  }
  return found;
}

/** The same, as the index has it: its runs and states, told out hour by hour. */
function told(index: ArchiveIndex): Map<string, [number, string][]> {
  const found = new Map<string, [number, string][]>();
  const places = new Set(pool.flatMap((relay) => [relay.address, ...(relay.ipv6 ? [relay.ipv6.address] : [])]));
  for (const place of places) {
    for (const history of index.history(address(place))) {
      const { fingerprint, role, port, runs } = history;
      expect(history.address).toBe(formatAddress(...words(address(place))));
      const times = index.documents
        .map(({ validAfter }) => validAfter)
        .filter((time) => runs.some(({ from, to }) => from <= time && time <= to))
        .map((time): [number, string] => [time, flagsAt(history, time)]);
      found.set(`${fingerprint} ${role} ${history.address} ${port}`, times);
    }
  }
  return found;
}

function words({ version, a, b, c, d }: IpAddress): [4 | 6, number, number, number, number] {
  return [version, a, b, c, d];
}

function flagsAt(history: RelayHistory, time: number): string {
  return stateAt(history, time)!.flags.join(" ");
}

const hourArbitrary = fc.record({
  listed: fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
  exits: fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
});
const hoursArbitrary = fc
  .uniqueArray(fc.tuple(fc.nat(9), hourArbitrary), { selector: ([number]) => number, minLength: 1, maxLength: 8 })
  .map((hours) => hours.map(([number, hour]): Hour => ({ number, ...hour })));

describe("the index of an archive", () => {
  it("says what the documents say, whatever order they come and go in", async () => {
    await fc.assert(
      fc.asyncProperty(hoursArbitrary, fc.nat(8), fc.nat(8), async (hours, split, gone) => {
        const archive = await newArchive();
        for (const hour of hours.slice(0, split)) await archive.add(documentOf(hour), "x");
        expect(told(await ArchiveIndex.open(archive))).toEqual(truth(hours.slice(0, split)));
        for (const hour of hours.slice(split)) await archive.add(documentOf(hour), "x");
        expect(told(await ArchiveIndex.open(archive))).toEqual(truth(hours));
        const lost = hours[gone % hours.length]!;
        for (const { path, validAfter } of archive.list()) {
          if (validAfter === EVENING + lost.number * HOUR) rmSync(path);
        }
        const left = await ArchiveIndex.open(archive);
        expect(told(left)).toEqual(truth(hours.filter((hour) => hour !== lost)));
      }),
      { numRuns: 15 },
    );
  });

  it("tells runs over the end of a month as one, and cuts them where no document speaks", async () => {
    const archive = await newArchive();
    const all = new Array(30).fill(true);
    // Valid for three hours each: 20 to 02 without a hole, then from 10 on.
    for (const number of [0, 1, 2, 4, 5, 14, 15])
      await archive.add(documentOf({ number, listed: all, exits: all }), "x");
    const index = await ArchiveIndex.open(archive);
    const [history] = index.history(address(pool[0]!.address));
    expect(history?.runs).toEqual([
      { from: EVENING, to: EVENING + 5 * HOUR, validUntil: EVENING + 8 * HOUR },
      { from: EVENING + 14 * HOUR, to: EVENING + 15 * HOUR, validUntil: EVENING + 18 * HOUR },
    ]);
    expect(history?.states).toHaveLength(1);
    expect(readdirSync(archive.directory).filter((name) => name.startsWith(".leek-index"))).toHaveLength(2);
  });

  it("is read, and not made again, until documents change", async () => {
    const archive = await newArchive();
    for (const hour of [0, 1, 2]) await archive.add(consensus(TEN + hour * HOUR), "x");
    const reads = async () => {
      let count = 0;
      await ArchiveIndex.open(archive, { onProgress: () => count++ });
      return count;
    };
    expect([await reads(), await reads()]).toEqual([3, 0]);
    await archive.add(consensus(TEN + 3 * HOUR), "x");
    expect([await reads(), await reads()]).toEqual([1, 0]);
    const { path } = archive.list()[0]!;
    rmSync(path);
    expect([await reads(), (await ArchiveIndex.open(archive)).documents.length]).toEqual([0, 3]);
    // The same size and time, another inode.
    const other = archive.list()[1]!.path;
    writeFileSync(`${other}.new`, readFileSync(other));
    renameSync(`${other}.new`, other);
    expect([await reads(), await reads()]).toEqual([1, 0]);
  });

  it("is made again when it is damaged anywhere", async () => {
    const archive = await newArchive();
    await archive.add(consensus(TEN), "x");
    await ArchiveIndex.open(archive);
    const path = join(archive.directory, ".leek-index-2026-11");
    const whole = readFileSync(path);
    const check = async (bytes: Uint8Array) => {
      writeFileSync(path, bytes);
      let reads = 0;
      const index = await ArchiveIndex.open(archive, { onProgress: () => reads++ });
      expect(index.history(address(relays[0]!.address))).toHaveLength(1);
      expect(reads).toBe(1);
      expect(readFileSync(path).equals(whole)).toBe(true);
    };
    const damage = fc.oneof(
      fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, change]) => {
        const copy = Buffer.from(whole);
        // What lies between the checksum and the tables says nothing.
        copy[at >= 36 && at < 64 ? 64 : at]! ^= change;
        return copy;
      }),
      fc.nat(whole.length - 1).map((length) => whole.subarray(0, length)),
      fc.uint8Array({ maxLength: 300 }),
    );
    await fc.assert(fc.asyncProperty(damage, check), { numRuns: 40 });
  });

  it("leaves out documents that do not verify, until they do", async () => {
    const archive = await newArchive();
    await archive.add(consensus(TEN), "x");
    const { path } = archive.list()[0]!;
    writeFileSync(path.replace("10-00-00", "11-00-00"), gzipSync(consensus(TEN + HOUR, { signers: 1 })));
    // One under another's name.
    writeFileSync(path.replace("10-00-00", "12-00-00"), gzipSync(consensus(TEN)));
    expect((await ArchiveIndex.open(archive)).documents).toHaveLength(1);
    const certs = join(archive.directory, "certs");
    renameSync(certs, `${certs}-away`);
    rmSync(join(archive.directory, ".leek-index-2026-11"));
    const blind = openArchive(archive.directory);
    expect((await ArchiveIndex.open(blind)).documents).toHaveLength(0);
    renameSync(`${certs}-away`, certs);
    expect((await ArchiveIndex.open(openArchive(archive.directory))).documents).toHaveLength(1);
  });

  it("does not believe what was made under other authorities", async () => {
    const archive = await newArchive();
    await archive.add(consensus(TEN), "x");
    await ArchiveIndex.open(archive);
    const { Archive } = await import("../../src/archive/index.js");
    const { AuthoritySet } = await import("../../src/relays/index.js");
    const writer = { processId: 1, isRunning: () => true, now: Date.now };
    const strange = Archive.open(archive.directory, { authorities: AuthoritySet.of([]), writer });
    expect((await ArchiveIndex.open(strange)).documents).toHaveLength(0);
    expect(network.authorities).toHaveLength(3);
  });

  it("takes one document of a time: the flavor that clients use, else the other", async () => {
    const archive = await newArchive();
    await archive.add(consensus(TEN, { flavor: "ns" }), "x");
    expect((await ArchiveIndex.open(archive)).documents).toMatchObject([{ flavor: "ns" }]);
    await archive.add(consensus(TEN), "x");
    const index = await ArchiveIndex.open(archive);
    expect(index.documents).toMatchObject([{ flavor: "microdesc", validAfter: TEN }]);
    expect(index.history(address(relays[0]!.address))[0]?.runs).toHaveLength(1);
    rmSync(archive.list()[0]!.path);
    expect((await ArchiveIndex.open(archive)).documents).toMatchObject([{ flavor: "ns" }]);
  });

  it("knows which times its documents cover, and which document a client would have had", async () => {
    const archive = await newArchive();
    for (const hour of [0, 1]) await archive.add(consensus(TEN + hour * HOUR), "x");
    const index = await ArchiveIndex.open(archive);
    expect(index.covering(TEN + HOUR - 1)?.validAfter).toBe(TEN);
    expect(index.covering(TEN + HOUR)?.validAfter).toBe(TEN + HOUR);
    // Handed out 300 s early; used for a day after valid-until.
    expect([TEN - 301, TEN - 300].map((time) => index.covers(time))).toEqual([false, true]);
    const end = TEN + 4 * HOUR + 86_400;
    expect([end, end + 1].map((time) => index.covers(time))).toEqual([true, false]);
  });

  it("reads only the months of a span", async () => {
    const archive = await newArchive();
    for (const days of [0, 40]) await archive.add(consensus(TEN + days * 86_400), "x");
    const index = await ArchiveIndex.open(archive, { span: { first: TEN, last: TEN } });
    expect(index.documents).toHaveLength(1);
    expect(readdirSync(archive.directory).filter((name) => name.startsWith(".leek-index"))).toEqual([
      ".leek-index-2026-11",
    ]);
  });

  it("finds the relays in the same /24 and /48", async () => {
    const archive = await newArchive();
    await archive.add(consensus(TEN), "x");
    const index = await ArchiveIndex.open(archive);
    const relay = relays.find(({ ipv6 }) => ipv6 !== undefined)!;
    const beside = relay.address.replace(/\d+$/, "255");
    expect(index.near(address(beside)).map((it) => it.fingerprint)).toContain(relay.fingerprint);
    const prefix = relay.ipv6!.address.split(":").slice(0, 3).join(":");
    expect(index.near(address(`${prefix}:ffff::9`)).map((it) => it.fingerprint)).toEqual([relay.fingerprint]);
    expect(index.history(address(beside))).toEqual([]);
  });

  it("works where nothing can be written", async () => {
    const archive = await newArchive();
    await archive.add(consensus(TEN), "x");
    // A folder in the place of the file stops root, too.
    const { mkdirSync } = await import("node:fs");
    mkdirSync(join(archive.directory, ".leek-index-2026-11"));
    expect((await ArchiveIndex.open(archive)).documents).toHaveLength(1);
    expect(statSync(join(archive.directory, ".leek-index-2026-11")).isDirectory()).toBe(true);
  });
});
