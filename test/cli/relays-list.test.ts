import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatConsensus, type GeneratedRelay, generateRelays } from "../../bench/consensus-generator.mjs";
import { leek, run } from "../support/leek.js";

const TEN = Date.UTC(2026, 10, 22, 10) / 1000;
const relays = generateRelays({ count: 300, seed: 5 });
const later = relays.slice(0, 200);
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "leek-list-"));
  mkdirSync(join(folder, "documents"));
  writeFileSync(join(folder, "documents", "ten"), formatConsensus(relays, { validAfter: TEN }));
  writeFileSync(join(folder, "documents", "fourteen"), formatConsensus(later, { validAfter: TEN + 4 * 3600 }));
  // The generator's addresses begin with 20 to 79.
  const ranges = [
    [0x14000000, 0x27ffffff, "DE"],
    [0x28000000, 0x3bffffff, "fr"],
  ];
  writeFileSync(join(folder, "geoip"), `# made up\n${ranges.map((range) => range.join(",")).join("\n")}\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function list(...args: string[]) {
  return leek(["relays", "list", "--consensus", join(folder, "documents"), ...args]);
}

function fingerprints(stdout: string): string[] {
  return stdout.match(/\b[0-9A-F]{40}\b/g) ?? [];
}

const sorted = (some: readonly GeneratedRelay[]) => some.map(({ fingerprint }) => fingerprint).sort();

describe("leek relays list", () => {
  it("lists the newest document, or the one of a time, by fingerprint", () => {
    const newest = list();
    expect(newest.status).toBe(0);
    expect(fingerprints(newest.stdout)).toEqual(sorted(later));
    expect(newest.stderr).toContain("is unverified");
    expect(fingerprints(list("--at", "2026-11-22 13:00").stdout)).toEqual(sorted(relays));
    const [header, first] = newest.stdout.split("\n");
    const { nickname, fingerprint, address, orPort } = later.find((it) => it.fingerprint === sorted(later)[0])!;
    expect(first).toContain(`${nickname.padEnd(19)} ${fingerprint} ${address}:${orPort} `);
    expect(header!.indexOf("FINGERPRINT")).toBe(first!.indexOf(fingerprint));
  });

  it("says when the document of a time had run out, and ends with 2 where there is none", () => {
    const late = list("--at", "2026-11-22 13:59");
    expect(late.status).toBe(0);
    expect(late.stderr).toContain("was until 2026-11-22T13:00:00Z");
    expect(fingerprints(late.stdout)).toHaveLength(300);
    for (const at of ["2026-11-22 09:59", "2026-11-24 10:00"]) {
      expect(list("--at", at)).toMatchObject({ status: 2, stdout: "" });
    }
  });

  it("takes the flags that all must be there, however they are written", () => {
    const { stdout } = list("--flag", "guard", "--flag", "Exit");
    const both = later.filter(({ flags }) => flags.includes("Guard") && flags.includes("Exit"));
    expect(both.length).toBeGreaterThan(0);
    expect(fingerprints(stdout)).toEqual(sorted(both));
  });

  it("takes countries by tor's geoip file", () => {
    const inRange = (from: number, to: number) =>
      sorted(later.filter(({ address }) => Number.parseInt(address, 10) >= from && Number.parseInt(address, 10) < to));
    const geoip = ["--geoip", join(folder, "geoip")];
    const german = list("--country", "de", ...geoip);
    expect(fingerprints(german.stdout)).toEqual(inRange(20, 40));
    expect(german.stdout).toContain(" DE ");
    expect(fingerprints(list("--country", "DE", "--country", "FR", ...geoip).stdout)).toEqual(inRange(20, 60));
    expect(list("--country", "de", "--geoip", join(folder, "none"))).toMatchObject({ status: 66, stdout: "" });
    const wrong = list("--country", "de", "--geoip", join(folder, "documents", "ten"));
    expect(wrong).toMatchObject({ status: 65, stdout: "" });
    expect(wrong.stderr).toContain("tor-geoipdb");
  });

  it("as JSON, with the document", () => {
    const { stdout } = list("--json", "--sort", "nickname");
    const answer = JSON.parse(stdout);
    expect(answer).toMatchObject({
      schema: "leek/relay-list@1",
      at: null,
      document: { validAfter: "2026-11-22T14:00:00Z", relays: 200, verification: { state: "unverified" } },
    });
    expect(answer.relays.map(({ nickname }: { nickname: string }) => nickname)).toEqual(
      later.map(({ nickname }) => nickname).sort(),
    );
    const withIpv6 = later.find(({ ipv6 }) => ipv6 !== undefined)!;
    const { address, orPort, ipv6, fingerprint } = withIpv6;
    const found = answer.relays.find((it: { fingerprint: string }) => it.fingerprint === fingerprint);
    expect(found).toMatchObject({ address, orPort, orAddresses: [ipv6] });
  });

  it("as CSV, a line for each relay", () => {
    const lines = list("--csv").stdout.split("\r\n");
    expect(lines[0]).toBe("fingerprint,nickname,address,or_port,dir_port,or_addresses,flags,country");
    expect(lines).toHaveLength(202);
    const { fingerprint, nickname, address, orPort, dirPort, ipv6, flags } = later[7]!;
    const other = ipv6 === undefined ? "" : `[${ipv6.address}]:${ipv6.port}`;
    expect(lines).toContain(
      `${fingerprint},${nickname},${address},${orPort},${dirPort || ""},${other},${flags.join(" ")},`,
    );
  });

  it.each([[["--json", "--csv"]], [["--sort", "size"]], [["--country", "deu"]], [["--at", "noon"]]])(
    "%j is wrong usage",
    (args) => {
      expect(list(...args)).toMatchObject({ status: 64, stdout: "" });
    },
  );
});

describe("leek relays list --nftables", () => {
  const endpoints4 = new Set(later.map(({ address, orPort }) => `${address} . ${orPort}`));
  const endpoints6 = new Set(
    later.flatMap(({ ipv6 }) => (ipv6 === undefined ? [] : [`${ipv6.address} . ${ipv6.port}`])),
  );

  /** In a network namespace of its own, which goes with the command: `nft` would change this machine's firewall. */
  function inNamespace(script: string) {
    return run("unshare", ["--net", "sh", "-ec", script]);
  }

  function setOf(json: string, name: string): Set<string> {
    const { nftables } = JSON.parse(json);
    const { set } = nftables.find((it: { set?: { name: string } }) => it.set?.name === name);
    const elements = (set.elem ?? []) as { concat: [string, number] }[];
    return new Set(elements.map(({ concat }) => concat.join(" . ")));
  }

  it("is what the real nft loads, IPv4 and IPv6, and loading again replaces the sets and keeps rules", () => {
    const all = join(folder, "all.nft");
    const newest = join(folder, "newest.nft");
    writeFileSync(all, list("--nftables", "--at", "2026-11-22 10:00").stdout);
    writeFileSync(newest, list("--nftables").stdout);
    const rules = join(folder, "rules.nft");
    writeFileSync(
      rules,
      `table inet leek {
        chain out {
          type filter hook output priority 0
          ip daddr . tcp dport @relays_ipv4 accept
          ip6 daddr . tcp dport @relays_ipv6 accept
        }
      }\n`,
    );
    const loaded = inNamespace(
      `nft -c -f ${all}; nft -f ${all}; nft -f ${rules}; nft -f ${newest}; nft -j list table inet leek`,
    );
    expect(loaded).toMatchObject({ status: 0, stderr: "" });
    expect(setOf(loaded.stdout, "relays_ipv4")).toEqual(endpoints4);
    expect(endpoints6.size).toBeGreaterThan(0);
    expect(setOf(loaded.stdout, "relays_ipv6")).toEqual(endpoints6);
    expect(JSON.parse(loaded.stdout).nftables.filter((it: object) => "rule" in it)).toHaveLength(2);
  });

  it("loads also when no relay is left", () => {
    const none = join(folder, "none.nft");
    writeFileSync(none, list("--nftables", "--flag", "NoSuchFlag").stdout);
    const loaded = inNamespace(`nft -f ${none}; nft -j list table inet leek`);
    expect(loaded).toMatchObject({ status: 0, stderr: "" });
    expect(setOf(loaded.stdout, "relays_ipv4").size).toBe(0);
  });
});
