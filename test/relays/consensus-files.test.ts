import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_VALID_AFTER, formatConsensus, generateRelays } from "../../bench/consensus-generator.mjs";
import {
  findConsensusFiles,
  findLocalConsensus,
  loadConsensusFiles,
  torDataDirectories,
} from "../../src/relays/index.js";
import { microdesc, ns } from "./documents.js";

const HOUR = 3600;
const DAY = 86400;

let root = "";

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "leek-relays-"));
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

function write(name: string, content: string | Buffer): string {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

function foundIn(...paths: string[]): string[] {
  return findConsensusFiles(paths).files.map(({ path }) => path.slice(root.length + 1));
}

describe("findConsensusFiles", () => {
  it("finds documents of both flavors by their content, in CollecTor's folders, and ignores all else", () => {
    const annotation = "@type network-status-consensus-3 1.0\n";
    write("consensuses-2026-11/22/2026-11-22-10-00-00-consensus", annotation + ns());
    write("microdescs-2026-11/consensus-microdesc/22/2026-11-22-10-00-00-consensus-microdesc", microdesc());
    write("consensus.gz", gzipSync(microdesc()));
    write("votes/vote", microdesc().replace("vote-status consensus", "vote-status vote"));
    write("cached-certs", "dir-key-certificate-version 3\n");
    write("unverified-microdesc-consensus", microdesc());
    write("empty", "");
    write("noise.gz", Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3]));
    write("README", "network-status-version 3\nis how it begins\n".repeat(200));
    const { files, notes } = findConsensusFiles([root]);
    expect(files.map(({ path, preamble }) => [path.slice(root.length + 1), preamble.flavor])).toEqual([
      ["consensus.gz", "microdesc"],
      ["microdescs-2026-11/consensus-microdesc/22/2026-11-22-10-00-00-consensus-microdesc", "microdesc"],
      ["consensuses-2026-11/22/2026-11-22-10-00-00-consensus", "ns"],
    ]);
    // It begins like a consensus and is none: worth a word.
    expect(notes.map(({ path, code }) => [path, code])).toEqual([[join(root, "README"), "LEEK_CONSENSUS_MALFORMED"]]);
    expect(loadConsensusFiles(files).documents.map(({ relayCount }) => relayCount)).toEqual([2, 2, 2]);
  });

  it("a preamble longer than what is read at first is read again as a whole", () => {
    write("long", microdesc().replace("valid-after", `x ${"y".repeat(20_000)}\nvalid-after`));
    expect(foundIn(root)).toEqual(["long"]);
  });

  it("a link to a directory is not followed, since it may lead back up; a link to a file is", () => {
    write("a/consensus", microdesc());
    symlinkSync(root, join(root, "a", "up"));
    symlinkSync(join(root, "a", "consensus"), join(root, "link"));
    symlinkSync(join(root, "nowhere"), join(root, "broken"));
    expect(foundIn(root)).toEqual(["link", "a/consensus"]);
  });

  it("a pipe in a directory is not opened, which would wait for ever", () => {
    execFileSync("mkfifo", [join(root, "pipe")]);
    expect(foundIn(root)).toEqual([]);
  });

  it.each([
    ["does not exist", "missing", undefined, "LEEK_FILE_NOT_FOUND"],
    ["is something else", "other", "hello\n", "LEEK_CONSENSUS_UNKNOWN"],
    ["is empty", "empty", "", "LEEK_CONSENSUS_UNKNOWN"],
    ["is a vote", "vote", microdesc().replace("status consensus", "status vote"), "LEEK_CONSENSUS_IS_VOTE"],
    ["is a gzip of something else", "other.gz", gzipSync("hello\n"), "LEEK_CONSENSUS_UNKNOWN"],
  ])("a file that the user names and that %s is an error", (_what, name, content, code) => {
    if (content !== undefined) write(name, content);
    expect(() => findConsensusFiles([join(root, name)])).toThrow(expect.objectContaining({ code }));
  });
});

describe("loadConsensusFiles", () => {
  it("a document found damaged by a search is a note, one that the user named is an error", () => {
    const path = write("cut", microdesc().slice(0, -300));
    const good = write("good", microdesc());
    const { documents, notes } = loadConsensusFiles(findConsensusFiles([root]).files);
    expect(documents.map(({ source }) => source)).toEqual([good]);
    expect(notes).toMatchObject([{ path, code: "LEEK_CONSENSUS_MALFORMED" }]);
    const named = findConsensusFiles([path]).files;
    expect(() => loadConsensusFiles(named)).toThrow(expect.objectContaining({ code: "LEEK_CONSENSUS_MALFORMED" }));
  });

  it("a damaged gzip and one that grows beyond all bounds are typed errors", () => {
    const whole = gzipSync(formatConsensus(generateRelays({ count: 500 })));
    const cut = findConsensusFiles([write("cut.gz", whole.subarray(0, whole.length - 2000))]).files;
    expect(() => loadConsensusFiles(cut)).toThrow(expect.objectContaining({ code: "LEEK_CONSENSUS_COMPRESSION" }));
    const bomb = gzipSync(microdesc() + "\n".repeat(40 * 2 ** 20));
    const files = findConsensusFiles([write("bomb.gz", bomb)]).files;
    expect(() => loadConsensusFiles(files)).toThrow(expect.objectContaining({ code: "LEEK_CONSENSUS_TOO_LARGE" }));
  });

  it("of an archive only the documents that reach the span are read, and the nearest beside a gap", () => {
    const relays = generateRelays({ count: 3 });
    const hours = [0, 1, 2, 48, 49, 200, 201];
    for (const hour of hours) {
      const validAfter = DEFAULT_VALID_AFTER + hour * HOUR;
      write(`${String(hour).padStart(3, "0")}-consensus`, formatConsensus(relays, { validAfter }));
    }
    const { files } = findConsensusFiles([root]);
    expect(files).toHaveLength(hours.length);
    const read = (first: number, last: number) => {
      const span = { first: DEFAULT_VALID_AFTER + first, last: DEFAULT_VALID_AFTER + last };
      return loadConsensusFiles(files, span).documents.map(({ source }) =>
        Number(source.slice(root.length + 1).slice(0, 3)),
      );
    };
    expect(read(0, 60)).toEqual([0]);
    expect(read(HOUR, 2 * HOUR)).toEqual([0, 1, 2]);
    // In the hole between hour 29 and hour 48: the last before and the first after.
    expect(read(35 * HOUR, 36 * HOUR)).toEqual([2, 48]);
    // Partly in the hole: those that reach, and the nearest on each side.
    expect(read(47 * HOUR, 48 * HOUR)).toEqual([2, 48, 49]);
    expect(read(-9 * DAY, -8 * DAY)).toEqual([0]);
    expect(read(90 * DAY, 91 * DAY)).toEqual([201]);
    expect(loadConsensusFiles(files).documents).toHaveLength(hours.length);
  });
});

describe("findLocalConsensus", () => {
  it("finds what tor keeps, and passes over directories that do not exist", () => {
    const directories = torDataDirectories(root).filter((path) => path.startsWith(root));
    expect(findLocalConsensus(directories)).toEqual({ files: [], certificates: [], notes: [] });
    write(".tor/cached-microdesc-consensus", microdesc());
    write("tor-browser/Browser/TorBrowser/Data/Tor/cached-consensus", ns());
    const { files, notes } = findLocalConsensus(directories);
    expect(notes).toEqual([]);
    expect(files.map(({ path }) => path.slice(root.length + 1))).toEqual([
      ".tor/cached-microdesc-consensus",
      "tor-browser/Browser/TorBrowser/Data/Tor/cached-consensus",
    ]);
  });

  it("a file that is no consensus is a note, and so is a closed directory", () => {
    write("broken/cached-consensus", "not this\n");
    mkdirSync(join(root, "loop"));
    symlinkSync("cached-consensus", join(root, "loop", "cached-consensus"));
    const { files, notes } = findLocalConsensus([join(root, "broken"), join(root, "loop")]);
    expect(files).toEqual([]);
    expect(notes.map(({ code }) => code)).toEqual(["LEEK_CONSENSUS_UNKNOWN", "LEEK_FILE_IO"]);
  });

  it("a closed directory is one note with the reason", () => {
    write("closed/cached-microdesc-consensus", microdesc());
    chmodSync(join(root, "closed"), 0o000);
    const { files, notes } = findLocalConsensus([join(root, "closed")]);
    chmodSync(join(root, "closed"), 0o700);
    // Root passes every door.
    if (process.getuid?.() === 0) expect(files).toHaveLength(1);
    else expect(notes.map(({ code }) => code)).toEqual(["LEEK_FILE_PERMISSION"]);
  });
});
