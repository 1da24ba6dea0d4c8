import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { beforeEach, describe, expect, it } from "vitest";
import { ArchiveIndex, archiveStatus, pruneArchive } from "../../src/archive/index.js";
import { makeAuthority, makeCertificate } from "../relays/signed-documents.js";
import { certificates, consensus, exitList, HOUR, openArchive, scratchFolder, TEN } from "./signed-network.js";

const scratch = scratchFolder();
let folder = "";
let number = 0;
beforeEach(() => {
  folder = join(scratch, String(number++), "leek");
});

/** Paths of files below the archive's folder. */
function files(): string[] {
  if (!existsSync(folder)) return [];
  const all = readdirSync(folder, { recursive: true, withFileTypes: true });
  return all
    .filter((it) => it.isFile())
    .map((it) => join(it.parentPath, it.name).slice(folder.length + 1))
    .sort();
}

async function filled() {
  const archive = openArchive(folder);
  await archive.add(Buffer.from(certificates), "cached-certs");
  return archive;
}

const MICRODESC = "microdescs-2026-11/consensus-microdesc/22/2026-11-22-10-00-00-consensus-microdesc.gz";
const NS = "consensuses-2026-11/22/2026-11-22-10-00-00-consensus.gz";

describe("an archive", () => {
  it("keeps documents in CollecTor's layout, with their original bytes", async () => {
    const archive = await filled();
    const documents = { [MICRODESC]: consensus(TEN), [NS]: consensus(TEN, { flavor: "ns" }) };
    for (const bytes of Object.values(documents)) {
      expect(await archive.add(bytes, "x")).toMatchObject({ type: "consensus", kept: "added" });
    }
    await archive.add(exitList, "x");
    for (const [path, bytes] of Object.entries(documents)) {
      expect(gunzipSync(readFileSync(join(folder, path))).equals(bytes)).toBe(true);
    }
    expect(files().filter((path) => !path.startsWith("certs/"))).toEqual([
      NS,
      "exit-list-2026-11/22/2026-11-22-10-02-00.gz",
      MICRODESC,
    ]);
    expect(files().filter((path) => /^certs\/[0-9A-F]{40}-2026-01-01-00-00-00\.gz$/.test(path))).toHaveLength(3);
  });

  it("keeps nothing that is not verified, and says why", async () => {
    const archive = openArchive(folder);
    const early = await archive.add(consensus(TEN), "x");
    expect(early).toMatchObject({ type: "refused", verification: { state: "unverified", good: 0 } });
    await archive.add(Buffer.from(certificates), "x");
    const changed = consensus(TEN);
    changed[changed.indexOf("\nr ") + 3]! ^= 1;
    expect(await archive.add(changed, "x")).toMatchObject({ type: "refused", verification: { state: "invalid" } });
    const few = await archive.add(consensus(TEN, { signers: 1 }), "x");
    expect(few).toMatchObject({ type: "refused", verification: { good: 1, needed: 2 } });
    expect(archive.list()).toEqual([]);
  });

  it("leaves out key certificates of authorities that it does not know", async () => {
    const archive = openArchive(folder);
    const foreign = makeCertificate(makeAuthority("mallory"));
    expect(await archive.add(Buffer.from(foreign), "x")).toMatchObject({ added: 0, foreign: 1 });
    expect(files()).toEqual([]);
  });

  it("leaves an identical document alone", async () => {
    const archive = await filled();
    await archive.add(consensus(TEN), "x");
    utimesSync(join(folder, MICRODESC), 1, 1);
    const before = readFileSync(join(folder, MICRODESC));
    expect(await archive.add(gzipSync(consensus(TEN)), "x")).toMatchObject({ kept: "present" });
    expect(readFileSync(join(folder, MICRODESC)).equals(before)).toBe(true);
  });

  it("keeps of two documents of one time the one that more authorities signed, in either order", async () => {
    const archive = await filled();
    const [two, three] = [consensus(TEN, { signers: 2 }), consensus(TEN, { signers: 3 })];
    expect(await archive.add(two, "x")).toMatchObject({ kept: "added" });
    expect(await archive.add(three, "x")).toMatchObject({ kept: "replaced" });
    expect(await archive.add(two, "x")).toMatchObject({ kept: "better" });
    expect(gunzipSync(readFileSync(join(folder, MICRODESC))).equals(three)).toBe(true);
    rmSync(join(folder, MICRODESC));
    const both = await Promise.all([archive.add(three, "x"), archive.add(two, "x")]);
    expect(both).toMatchObject([{ kept: "added" }, { kept: "better" }]);
  });

  it("puts a good document in the place of a damaged one", async () => {
    const archive = await filled();
    await archive.add(consensus(TEN), "x");
    for (const damage of [
      Buffer.from([0x1f, 0x8b, 8]),
      Buffer.alloc(0),
      Buffer.from("nonsense"),
      consensus(TEN + HOUR),
    ]) {
      writeFileSync(join(folder, MICRODESC), damage);
      const outcome = await archive.add(consensus(TEN), "x");
      expect(outcome).toMatchObject({ kept: "replaced", verification: { state: "verified" } });
      expect(archive.verify(join(folder, MICRODESC)).state).toBe("verified");
    }
  });

  it("reads plain documents that rsync brought", async () => {
    const archive = await filled();
    const path = join(folder, NS.slice(0, -3));
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, consensus(TEN, { flavor: "ns" }));
    const within = NS.slice(0, -3);
    expect(archive.list()).toEqual([{ path, within, kind: "ns", time: TEN, flavor: "ns", validAfter: TEN }]);
    expect(archive.verify(path)).toMatchObject({ state: "verified", good: 3 });
    expect(await archive.add(consensus(TEN, { flavor: "ns" }), "x")).toMatchObject({ kept: "present", path });
    expect(await archive.add(consensus(TEN, { flavor: "ns", signers: 2 }), "x")).toMatchObject({ kept: "better" });
  });

  it("lists by names alone, and only the months and days of a span", async () => {
    const archive = await filled();
    const times = [TEN - 40 * 24 * HOUR, TEN - 24 * HOUR, TEN - HOUR, TEN, TEN + HOUR];
    for (const time of times) await archive.add(consensus(time), "x");
    for (const path of files()) if (path.includes("consensus")) writeFileSync(join(folder, path), "");
    expect(archive.list().map(({ validAfter }) => validAfter)).toEqual(times);
    const some = archive.list({ first: TEN - HOUR, last: TEN });
    expect(some.map(({ validAfter }) => validAfter)).toEqual([TEN - HOUR, TEN]);
    expect(archive.list({ first: TEN + 2 * HOUR, last: Infinity })).toEqual([]);
  });

  it("does not take files of other names for documents", async () => {
    const archive = await filled();
    const day = join(folder, "consensuses-2026-11", "22");
    mkdirSync(day, { recursive: true });
    for (const name of ["2026-13-22-10-00-00-consensus", "2026-11-31-10-00-00-consensus", "notes", ".leek-tmp-1-1-1"]) {
      writeFileSync(join(day, name), "");
    }
    mkdirSync(join(day, "2026-11-22-10-00-00-consensus"));
    expect(archive.list()).toEqual([]);
  });

  it("removes temporary files of writers that were killed, and of no others", async () => {
    const archive = await filled();
    await archive.add(consensus(TEN), "x");
    const day = join(folder, MICRODESC, "..");
    for (const name of [".leek-tmp-1-5-0", ".leek-tmp-2-5-0", ".leek-tmp-2-5-1"]) writeFileSync(join(day, name), "");
    utimesSync(join(day, ".leek-tmp-2-5-1"), 1, 1);
    await openArchive(folder, (processId) => processId === 2).add(consensus(TEN), "x");
    expect(readdirSync(day).filter((name) => name.startsWith("."))).toEqual([".leek-tmp-2-5-0"]);
  });

  it("tells what is wrong when it cannot write, and harms nothing", async () => {
    const archive = await filled();
    writeFileSync(join(folder, "microdescs-2026-11"), "a file in the way of a folder");
    const before = files();
    const failing = archive.add(consensus(TEN), "x");
    await expect(failing).rejects.toMatchObject({ code: "LEEK_ARCHIVE_WRITE", kind: "io", message: /in the way/ });
    expect(files()).toEqual(before);
  });
});

describe("the status of an archive", () => {
  it("counts documents, hours that are missing, and until when certificates hold", async () => {
    const archive = await filled();
    for (const hour of [0, 1, 4, 5]) await archive.add(consensus(TEN + hour * HOUR), "x");
    await archive.add(exitList, "x");
    const status = archiveStatus(archive, true);
    expect(status.kinds).toMatchObject([
      { kind: "ns", count: 0, first: undefined },
      {
        kind: "microdesc",
        count: 4,
        first: TEN,
        last: TEN + 5 * HOUR,
        missing: 2,
        gaps: [{ after: TEN + HOUR, before: TEN + 4 * HOUR, missing: 2 }],
      },
      { kind: "exit-list", count: 1 },
    ]);
    expect(status.certificates).toMatchObject(new Array(3).fill({ count: 1, expires: Date.UTC(2027, 0) / 1000 }));
    expect(status.verified).toEqual({ count: 4, problems: [] });
  });

  it("finds what does not verify, or lies under another name", async () => {
    const archive = await filled();
    await archive.add(consensus(TEN), "x");
    await archive.add(consensus(TEN + HOUR), "x");
    const second = join(folder, MICRODESC.replace("10-00-00", "11-00-00"));
    writeFileSync(second, gzipSync(consensus(TEN, { signers: 1 })));
    writeFileSync(join(folder, MICRODESC.replace("10-00-00", "12-00-00")), gzipSync(consensus(TEN)));
    const { verified } = archiveStatus(archive, true);
    expect(verified?.count).toBe(1);
    expect(verified?.problems).toMatchObject([{ path: second }, { reason: /name/ }]);
  });
});

describe("pruning", () => {
  it("removes what is older, packed and plain, and folders that become empty", async () => {
    const archive = await filled();
    for (const time of [TEN - 40 * 24 * HOUR, TEN - HOUR, TEN]) await archive.add(consensus(time), "x");
    const twin = join(folder, MICRODESC.slice(0, -3).replace("10-00-00", "09-00-00"));
    writeFileSync(twin, consensus(TEN - HOUR));
    await ArchiveIndex.open(archive);
    const before = files();
    expect(pruneArchive(archive, TEN, true)).toMatchObject({ consensuses: 2, certificates: 0 });
    expect(files()).toEqual(before);
    expect(pruneArchive(archive, TEN, false)).toMatchObject({ consensuses: 2, exitLists: 0, certificates: 0 });
    expect(archive.list().map(({ validAfter }) => validAfter)).toEqual([TEN]);
    expect(readdirSync(folder).sort()).toEqual([".leek-index-2026-11", "certs", "microdescs-2026-11"]);
  });

  it("removes certificates that had expired by then", async () => {
    const archive = await filled();
    expect(pruneArchive(archive, Date.UTC(2027, 0, 2) / 1000, false)).toMatchObject({ certificates: 3 });
    expect(openArchive(folder).certificates()).toEqual([]);
  });
});
