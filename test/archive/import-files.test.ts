import { mkdirSync, mkdtempSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ImportProgress, importFiles } from "../../src/archive/index.js";
import { run } from "../support/leek.js";
import { certificates, consensus, exitList, HOUR, openArchive, scratchFolder, TEN } from "./signed-network.js";

const scratch = scratchFolder();
const newFolder = () => mkdtempSync(join(scratch, "f-"));
const newArchive = () => openArchive(join(newFolder(), "leek"));

/** Documents as CollecTor's monthly archives have them, below a new folder. */
function collector(): string {
  const root = newFolder();
  const write = (path: string, bytes: Uint8Array | string) => {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), bytes);
  };
  for (const hour of [0, 1, 2]) {
    const name = `2026-11-22-${10 + hour}-00-00-consensus`;
    write(`consensuses-2026-11/22/${name}`, consensus(TEN + hour * HOUR, { flavor: "ns" }));
    write(`microdescs-2026-11/consensus-microdesc/22/${name}-microdesc`, consensus(TEN + hour * HOUR));
  }
  write("microdescs-2026-11/micro/a/b/ab00", `@type microdescriptor 1.0\nonion-key\n${"x".repeat(5000)}\n`);
  write("certs/some", `@type dir-key-certificate-3 1.0\n${certificates}`);
  write("exit-list-2026-11/22/2026-11-22-10-02-00", exitList);
  return root;
}

function tar(root: string, flags: string, ...names: string[]): string {
  const path = join(newFolder(), "archive");
  expect(run("tar", ["-C", root, flags, path, ...names]).status).toBe(0);
  return path;
}

const root = collector();
const everything = { consensuses: { added: 6 }, certificates: { added: 3 }, exitLists: { added: 1 }, other: 1 };

describe("importing", () => {
  it.each([
    ["a directory", () => root],
    ["a tar archive", () => tar(root, "-cf", ".")],
    ["a tar.gz archive", () => tar(root, "-czf", ".")],
    ["a tar.xz archive", () => tar(root, "-cJf", ".")],
    ["an archive with POSIX headers", () => tar(root, "-cf", "--format=posix", ".")],
  ])("takes what is known out of %s, and passes over the rest", async (_name, path) => {
    const archive = newArchive();
    const report = await importFiles(archive, [path()]);
    expect(report).toMatchObject({ ...everything, problems: [], invalid: 0, unverified: 0 });
    expect(archive.list()).toHaveLength(6);
  });

  it("takes single documents, plain, gzip and xz", async () => {
    const folder = newFolder();
    writeFileSync(join(folder, "a"), consensus(TEN));
    writeFileSync(join(folder, "b.gz"), gzipSync(consensus(TEN + HOUR)));
    writeFileSync(join(folder, "c"), consensus(TEN + 2 * HOUR));
    run("xz", [join(folder, "c")]);
    writeFileSync(join(folder, "cached-certs"), certificates);
    const paths = ["a", "b.gz", "c.xz", "cached-certs"].map((name) => join(folder, name));
    expect(await importFiles(newArchive(), paths)).toMatchObject({ consensuses: { added: 3 }, problems: [] });
  });

  it("takes its own archive, as a directory and as a tar of packed documents", async () => {
    const first = newArchive();
    await importFiles(first, [root]);
    const second = newArchive();
    expect(await importFiles(second, [first.directory])).toMatchObject({ consensuses: { added: 6 } });
    const report = await importFiles(second, [tar(first.directory, "-cf", ".")]);
    expect(report).toMatchObject({ consensuses: { added: 0, present: 6 }, exitLists: { present: 1 } });
  });

  it("reads a file again when its certificates come only after it", async () => {
    const folder = newFolder();
    writeFileSync(join(folder, "a"), consensus(TEN));
    writeFileSync(join(folder, "b"), certificates);
    const report = await importFiles(newArchive(), [join(folder, "a"), join(folder, "b")]);
    expect(report).toMatchObject({ consensuses: { added: 1 }, unverified: 0, problems: [], problemCount: 0 });
  });

  it("tells of consensuses that lack certificates, and keeps none of them", async () => {
    const archive = newArchive();
    const report = await importFiles(archive, [join(root, "consensuses-2026-11")]);
    expect(report).toMatchObject({ consensuses: { added: 0 }, unverified: 3, problemCount: 3 });
    expect(report.problems[0]).toMatchObject({ code: "LEEK_CONSENSUS_UNVERIFIED", message: /certificates of 3/ });
    expect(archive.list()).toEqual([]);
  });

  it("writes nowhere but into the archive, whatever names a tar has", async () => {
    const folder = newFolder();
    mkdirSync(join(folder, "in"));
    writeFileSync(join(folder, "in", "x"), certificates);
    const path = join(folder, "evil.tar");
    run("tar", ["-C", join(folder, "in"), "--transform", "s,^,../../../evil/,", "-P", "-cf", path, "x"]);
    expect(run("tar", ["-P", "-tf", path]).stdout).toContain("../../../evil/x");
    const archive = newArchive();
    expect(await importFiles(archive, [path])).toMatchObject({ certificates: { added: 3 } });
    const found = run("find", [join(archive.directory, ".."), "-type", "f"])
      .stdout.trim()
      .split("\n");
    expect(found.every((name) => name.includes("/leek/certs/"))).toBe(true);
  });

  it("follows no link to a folder, and does not wait for pipes", async () => {
    const folder = newFolder();
    symlinkSync(folder, join(folder, "loop"));
    symlinkSync(join(root, "certs", "some"), join(folder, "link"));
    symlinkSync(join(folder, "nothing"), join(folder, "dangling"));
    run("mkfifo", [join(folder, "pipe")]);
    expect(await importFiles(newArchive(), [folder])).toMatchObject({ certificates: { added: 3 }, problems: [] });
  });

  it("passes over a member that is too large, without keeping it in memory", async () => {
    const folder = newFolder();
    const head = consensus(TEN).subarray(0, 3000);
    writeFileSync(join(folder, "huge"), Buffer.concat([head, Buffer.alloc(40 * 2 ** 20, 0x61)]));
    writeFileSync(join(folder, "junk"), Buffer.alloc(40 * 2 ** 20));
    writeFileSync(join(folder, "small"), certificates);
    const report = await importFiles(newArchive(), [tar(folder, "-czf", "huge", "junk", "small")]);
    expect(report).toMatchObject({ certificates: { added: 3 }, other: 1, problemCount: 1 });
    expect(report.problems[0]).toMatchObject({ code: "LEEK_ARCHIVE_TOO_LARGE" });
  });

  it("refuses an xz file that asks for more memory than 64 MiB", async () => {
    const path = join(newFolder(), "bomb");
    writeFileSync(path, certificates);
    run("xz", ["--lzma2=preset=0,dict=1GiB", path]);
    const report = await importFiles(newArchive(), [`${path}.xz`]);
    expect(report.problems).toMatchObject([{ code: "LEEK_ARCHIVE_FORMAT", message: /64 MiB/ }]);
  });

  it("unpacks as much as xz -9 makes, with its dictionary of 64 MiB", async () => {
    const path = join(newFolder(), "certs");
    writeFileSync(path, certificates);
    run("xz", ["-9e", path]);
    expect(await importFiles(newArchive(), [`${path}.xz`])).toMatchObject({ certificates: { added: 3 } });
  });

  it("keeps what came before a cut or damage, and tells of it", async () => {
    for (const flags of ["-cf", "-czf", "-cJf"]) {
      const whole = readFileSync(tar(root, flags, "certs", "consensuses-2026-11"));
      const path = join(newFolder(), "cut");
      writeFileSync(path, whole.subarray(0, Math.floor(whole.length * 0.8)));
      const report = await importFiles(newArchive(), [path]);
      expect(report.problems.at(-1)).toMatchObject({ code: "LEEK_ARCHIVE_DAMAGED" });
      const damaged = Buffer.from(whole);
      damaged.fill(0x55, damaged.length >> 1, (damaged.length >> 1) + 600);
      writeFileSync(path, damaged);
      expect((await importFiles(newArchive(), [path])).problemCount).toBeGreaterThan(0);
    }
  });

  it("says which file does not exist before it imports anything", async () => {
    const archive = newArchive();
    const importing = importFiles(archive, [root, join(root, "nothing")]);
    await expect(importing).rejects.toMatchObject({ code: "LEEK_FILE_NOT_FOUND" });
    expect(archive.listCertificates()).toEqual([]);
  });

  it("tells how far it is, up to the size of all files", async () => {
    const path = tar(root, "-cJf", ".");
    const seen: (number | undefined)[][] = [];
    const onProgress = ({ bytesRead, totalBytes }: ImportProgress) => seen.push([bytesRead, totalBytes]);
    await importFiles(newArchive(), [join(root, "certs"), path], onProgress);
    const size = readFileSync(path).length + statSync(join(root, "certs", "some")).size;
    expect(seen.at(-1)).toEqual([size, size]);
  });

  it("gives a report for any bytes whatever, and never fails", async () => {
    const path = join(newFolder(), "any");
    const good = [tar(root, "-cf", "certs"), tar(root, "-czf", "certs"), tar(root, "-cJf", "certs")].map((it) =>
      readFileSync(it),
    );
    const mutated = fc
      .tuple(fc.constantFrom(...good), fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.nat())
      .map(([whole, at, bytes, length]) => {
        const copy = Buffer.from(whole);
        copy.set(bytes, at % (copy.length - bytes.length));
        return copy.subarray(0, length % 3 === 0 ? length % copy.length : copy.length);
      });
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, fc.uint8Array({ maxLength: 2000 })), async (bytes) => {
        writeFileSync(path, bytes);
        const { consensuses } = await importFiles(newArchive(), [path]);
        expect(consensuses.added).toBe(0);
      }),
      { numRuns: 120 },
    );
  });
});
