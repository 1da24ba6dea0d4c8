import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatConsensus, generateRelays } from "../../bench/consensus-generator.mjs";
import { FIXTURES, leek } from "../support/leek.js";

const CONSENSUS = ["--consensus", join(FIXTURES, "consensus")];

interface Truth {
  readonly flows: readonly {
    readonly responder: { readonly address: string; readonly port: number };
    readonly class: string;
    readonly nickname?: string;
    readonly fingerprint?: string;
  }[];
}
const truth: Truth = JSON.parse(readFileSync(join(FIXTURES, "only-tor.truth.json"), "utf8"));
const guard = truth.flows.find((flow) => flow.class === "tor" && flow.fingerprint !== undefined)!;
const { address, port } = guard.responder;

describe("leek relays lookup", () => {
  it("knows a relay by address and port, and ends with 0", () => {
    const { status, stdout } = leek(["relays", "lookup", `${address}:${port}`, ...CONSENSUS]);
    expect(status).toBe(0);
    expect(stdout).toContain(guard.fingerprint);
    expect(stdout).toContain("was a Tor relay");
  });

  it("tells a relay's address on another port from a relay, and ends with 1", () => {
    const { status, stdout } = leek(["relays", "lookup", `${address}:1`, ...CONSENSUS]);
    expect(status).toBe(1);
    expect(stdout).toContain("the address was a relay's");
  });

  it("ends with 1 for an address that is nobody's, and names the neighbours", () => {
    const { status, stdout } = leek(["relays", "lookup", "198.51.100.254", ...CONSENSUS]);
    expect(status).toBe(1);
    expect(stdout).toContain("Relays in the same /24");
  });

  it("ends with 2 when no document covers the time", () => {
    const { status, stdout } = leek(["relays", "lookup", address, "--at", "2020-01-01", ...CONSENSUS]);
    expect(status).toBe(2);
    expect(stdout).toContain("No consensus document covers that time");
  });

  it("says that nobody vouches for the documents", () => {
    expect(leek(["relays", "lookup", address, ...CONSENSUS]).stderr).toContain("consensus documents are unverified");
  });

  it("answers in JSON", () => {
    const { stdout } = leek(["relays", "lookup", `${address}:${port}`, "--json", ...CONSENSUS]);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: "leek/relay-lookup@1",
      answer: "listed",
      relays: [{ fingerprint: guard.fingerprint }],
    });
  });
});

describe("a list of addresses", () => {
  const relay = `${address}:${port}`;
  const listedLine = new RegExp(`^${relay} listed ${guard.nickname} ${guard.fingerprint} \\S+ \\S+Z \\S+Z$`);

  it.each([
    [[relay, address], 0],
    [[relay, "203.0.113.1"], 1],
  ])("%j as arguments get a line each, and the status %d", (asked, expected) => {
    const { status, stdout } = leek(["relays", "lookup", ...asked, ...CONSENSUS]);
    expect(status).toBe(expected);
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(listedLine);
  });

  it("where no document covers the time, the status is 2, whatever the others are", () => {
    const args = ["relays", "lookup", relay, "203.0.113.1", "--at", "2020-01-01", ...CONSENSUS];
    expect(leek(args)).toMatchObject({ status: 2 });
  });

  it("from standard input, empty lines and comments apart", () => {
    const input = Buffer.from(`# seen\n${relay}\r\n\n 203.0.113.1 `);
    const { status, stdout } = leek(["relays", "lookup", "-", ...CONSENSUS], input);
    expect(status).toBe(1);
    expect(stdout.split("\n")).toEqual([expect.stringMatching(listedLine), "203.0.113.1 not-listed", ""]);
  });

  it("as NDJSON", () => {
    const { stdout } = leek(["relays", "lookup", "-", "--json", ...CONSENSUS], Buffer.from(`${relay}\n203.0.113.1\n`));
    const records = stdout.trimEnd().split("\n");
    expect(records.map((line) => JSON.parse(line))).toMatchObject([
      { schema: "leek/relay-lookup@1", address, port, answer: "listed" },
      { schema: "leek/relay-lookup@1", address: "203.0.113.1", answer: "not-listed" },
    ]);
  });

  it("a line that is no address is told with its number, and the rest goes on", () => {
    const input = Buffer.from(`${relay}\nexample.org\u001b[2K\n${"1".repeat(1e6)}\n${relay}\n`);
    const { status, stdout, stderr } = leek(["relays", "lookup", "-", ...CONSENSUS], input);
    expect(status).toBe(65);
    expect(stdout.trimEnd().split("\n")).toHaveLength(2);
    expect(stderr).toContain("line 2: example.org\\x1b[2K is no ADDR[:PORT].");
    expect(stderr).toContain("line 3 is longer than any address.");
  });

  it("an argument that is no address is wrong usage", () => {
    expect(leek(["relays", "lookup", relay, "-", ...CONSENSUS])).toMatchObject({ status: 64, stdout: "" });
  });
});

describe("over hours", () => {
  const TEN = Date.UTC(2026, 10, 22, 10) / 1000;
  const [one, other] = generateRelays({ count: 2, ipv6Share: 0 });
  let folder = "";
  const lookup = (...args: string[]) => leek(["relays", "lookup", ...args, "--consensus", join(folder, "documents")]);

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "leek-lookup-"));
    mkdirSync(join(folder, "documents"));
    mkdirSync(join(folder, "exit-lists"));
    for (const hour of [0, 1, 2, 4, 5]) {
      const relays = hour === 5 ? [other!] : [one!, other!];
      const text = formatConsensus(relays, { validAfter: TEN + hour * 3600 });
      writeFileSync(join(folder, "documents", `${hour}`), text);
    }
    const list = `@type tordnsel 1.0\nDownloaded 2026-11-22 10:02:00\nExitNode ${one!.fingerprint}
Published 2026-11-22 03:11:45\nLastStatus 2026-11-22 09:00:00\nExitAddress 203.0.113.9 2026-11-22 09:07:03\n`;
    writeFileSync(join(folder, "exit-lists", "2026-11-22-10-02-00"), gzipSync(list));
    writeFileSync(join(folder, "exit-lists", "damaged"), list.replace("203.0.113.9", "203.0.113.999"));
    writeFileSync(join(folder, "exit-lists", "README"), "no list at all");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("tells from when to when, with the gaps", () => {
    const { status, stdout } = lookup(`${one!.address}:${one!.orPort}`);
    expect(status).toBe(0);
    expect(stdout).toContain("    listed 2026-11-22 10:00 to 2026-11-22 13:00 UTC (3 documents)\n");
    expect(stdout).toContain("    listed 2026-11-22 14:00 to 2026-11-22 15:00 UTC (1 document, not after)\n");
  });

  it("an hour after it left, a client may still have used it", () => {
    const { status, stdout } = lookup(`${one!.address}:${one!.orPort}`, "--at", "2026-11-22 15:30");
    expect(status).toBe(0);
    expect(stdout).toContain(
      "listed until 2026-11-22 15:00 UTC; a client with an older consensus may still have used it",
    );
  });

  it("knows exit addresses from exit lists, in a folder or a file", () => {
    const asked = ["203.0.113.9", "--at", "2026-11-22 10:30", "--exit-list"];
    const { status, stdout, stderr } = lookup(...asked, join(folder, "exit-lists"));
    expect(status).toBe(0);
    expect(stdout).toContain("traffic of one left from it");
    expect(stdout).toContain(`exit address of ${one!.nickname} ${one!.fingerprint}`);
    expect(stdout).toContain("seen 2026-11-22 09:07:03 to 2026-11-23 09:07:03 UTC");
    expect(stderr).toContain("damaged");
    expect(lookup(...asked, join(folder, "exit-lists", "2026-11-22-10-02-00")).status).toBe(0);
    expect(lookup(...asked.slice(0, -1)).status).toBe(1);
    expect(lookup(...asked, join(folder, "exit-lists", "damaged"))).toMatchObject({ status: 65, stdout: "" });
    expect(lookup(...asked, join(folder, "nowhere"))).toMatchObject({ status: 66, stdout: "" });
  });
});
