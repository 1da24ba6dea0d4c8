import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Ajv2020, type AnySchemaObject } from "ajv/dist/2020.js";
import { afterEach, describe, expect, it } from "vitest";
import { manifestText, sha256Of } from "../../src/audit/evidence/index.js";
import {
  certificates,
  consensus,
  exitList,
  HOUR,
  relays,
  scratchFolder,
  authorities as signers,
  TEN,
  torrc,
} from "../archive/signed-network.js";
import { makeCertificate } from "../relays/signed-documents.js";
import { buildPcap, PcapngBuilder } from "../support/capture-builder.js";
import { FIXTURES, LEEK, leek, type Outcome, PROJECT } from "../support/leek.js";
import { ethernet, ipv4, tcp } from "../support/packet-builder.js";
import { expectNoClientLeft, fakeTor } from "../tor-control/fake-tor.js";

type Json = ReturnType<typeof JSON.parse>;

const FOLDER = join(PROJECT, "docs", "schemas");
const OLDER = join(PROJECT, "docs", "analysis.schema.json");
const FIXTURE = join(FIXTURES, "consensus");

/** Of what leek reads: a policy. */
const READ = ["audit-policy.json"];

const printed = readdirSync(FOLDER).filter((name) => !READ.includes(name));
const files = [OLDER, ...printed.map((name) => join(FOLDER, name))];
const validator = new Ajv2020({ allErrors: true, strictTypes: false });
for (const file of files) validator.addSchema(JSON.parse(readFileSync(file, "utf8")) as AnySchemaObject);

/**
 * Reads a document that leek printed, and holds it to the schema that it names: it fits, and no object in it may have
 * one property more.
 */
function described(text: string, name: string) {
  const document = JSON.parse(text);
  expect(document.schema).toBe(`leek/${name}@1`);
  const errors = (value: unknown) => (validator.validate(document.schema, value) ? undefined : validator.errors);
  expect(errors(document)).toBeUndefined();
  for (const object of objectsIn(document)) {
    object.surprise = "!";
    expect(errors(document), `more in ${JSON.stringify(object).slice(0, 200)}`).toBeDefined();
    delete object.surprise;
  }
  return document;
}

/** But not the details of an application: each protocol has its own. */
function objectsIn(value: unknown): Record<string, unknown>[] {
  if (typeof value !== "object" || value === null) return [];
  const inside = Object.entries(value).flatMap(([key, it]) => (key === "details" ? [] : objectsIn(it)));
  return Array.isArray(value) ? inside : [value as Record<string, unknown>, ...inside];
}

/** A valid document with something changed, which must not fit any more. */
function expectRefused(document: object, change: (copy: ReturnType<typeof JSON.parse>) => unknown): void {
  const copy = JSON.parse(JSON.stringify(document));
  change(copy);
  expect(validator.validate(copy.schema, copy), `${change}`).toBe(false);
}

describe("the schemas", () => {
  const schemas = files.map((file) => JSON.parse(readFileSync(file, "utf8")) as AnySchemaObject);

  it("are there for each document that leek prints, and for no other", () => {
    const sources = readdirSync(join(PROJECT, "src"), { recursive: true, encoding: "utf8" });
    const printed = sources
      .filter((name) => name.endsWith(".ts"))
      .flatMap((name) => [
        ...readFileSync(join(PROJECT, "src", name), "utf8").matchAll(/"?schema"?: ?"(leek\/[^"]+)"/g),
      ])
      .map(([, id]) => id);
    expect(printed.length).toBeGreaterThan(8);
    expect(schemas.map(({ $id }) => $id).sort()).toEqual([...new Set(printed)].sort());
  });

  it.each(files.map((file) => [basename(file), file]))("%s is named for what it describes", (name, file) => {
    const { $schema, $id, title, properties } = JSON.parse(readFileSync(file, "utf8"));
    const what = name.replace(/(\.schema)?\.json$/, "");
    expect([$schema, $id]).toEqual(["https://json-schema.org/draft/2020-12/schema", `leek/${what}@1`]);
    expect(properties.schema).toEqual({ const: $id });
    expect(title).toMatch(/^leek .*--(?:json|save-baseline FILE|evidence DIR)/);
    expect(readFileSync(join(PROJECT, "docs", "json.md"), "utf8")).toContain(`\`leek/${what}@1\``);
  });

  it("are strict: no object may have more than they say", () => {
    for (const schema of schemas) {
      const loose = objectsIn(schema).filter(
        ({ type, additionalProperties }) => type === "object" && additionalProperties === undefined,
      );
      expect(loose, schema.$id).toEqual([]);
    }
  });

  it("come with the package", () => {
    const { files } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8"));
    expect(files).toContain("docs");
  });
});

const scratch = scratchFolder();
const documents = join(scratch, "documents");
const trust = ["--authorities-from", join(scratch, "torrc")];
const write = (name: string, content: string | Buffer) => {
  const path = join(scratch, name);
  writeFileSync(path, content);
  return path;
};
mkdirSync(documents);
mkdirSync(join(scratch, "hours"));
write("torrc", torrc);
write("documents/cached-certs", certificates);
write("documents/exits", exitList);
write("documents/README", "nothing of an archive");
for (const hour of [0, 1, 2, 5]) write(`documents/c${hour}`, consensus(TEN + hour * HOUR));
write("documents/ns", consensus(TEN, { flavor: "ns" }));
// One leaves at 12, another joins at 11.
const [leaving, joining, ...staying] = relays;
for (const hour of [0, 1, 2, 3]) {
  const there = [...(hour < 2 ? [leaving!] : []), ...(hour > 0 ? [joining!] : []), ...staying];
  write(`hours/${hour}`, consensus(TEN + hour * HOUR, { relays: there }));
}
const newDataDir = () => join(mkdtempSync(join(scratch, "data-")), "leek");

describe("leek relays lookup --json", () => {
  const exits = write("exit-list", exitList.toString().replace(/000102\w+/, staying[0]!.fingerprint));
  const lookup = (...args: string[]) =>
    leek(["relays", "lookup", "--json", ...args, ...trust, "--consensus", join(scratch, "hours")]);
  const asked = (...args: string[]) => described(lookup(...args).stdout, "relay-lookup");
  const at = (hour: number) => ["--at", new Date((TEN + hour * HOUR + 1800) * 1000).toISOString().slice(0, 19)];
  const [with6] = staying.filter(({ ipv6 }) => ipv6 !== undefined);

  it("is described for each answer", () => {
    const { address, orPort } = staying[0]!;
    const listed = asked(`${address}:${orPort}`, ...at(0));
    expect(listed.answer).toBe("listed");
    expect(listed.relays[0]).toMatchObject({ document: { freshness: "fresh" } });
    expect(asked(address).relays[0].document.freshness).toBeUndefined();
    expect(asked(address, "--at", "2026-11-30").answer).toBe("no-data");
    expect(asked(address, "--at", "2026-11-30").relays[0].document.freshness).toBe("out-of-reach");
    const other = asked(`${address}:1`, ...at(0));
    expect(other.answer).toBe("address-only");
    const exit = asked("192.0.2.77", "--exit-list", exits, ...at(0));
    expect([exit.answer, exit.exits.length]).toEqual(["exit-address", 1]);
    expect(asked("192.0.2.77", "--exit-list", exits, "--at", "2026-11-24").exits[0].counts).toBe(false);
    const none = asked("203.0.113.1", ...at(0));
    expect(none).toMatchObject({ answer: "not-listed", relays: [], known: [], exits: [] });

    expectRefused(listed, (it) => delete it.relays[0].document.freshness);
    expectRefused(listed, (it) => delete it.at);
    expectRefused(listed, (it) => (it.relays[0].fingerprint = it.relays[0].fingerprint.toLowerCase()));
    expectRefused(listed, (it) => (it.relays[0].address = "192.0.2.256"));
    expectRefused(listed, (it) => (it.at = "2026-11-22 10:00:00"));
    expectRefused(listed, (it) => (it.answer = "perhaps"));
    expectRefused(other, (it) => delete it.port);
    expectRefused(exit, (it) => (it.port = 443));
  });

  it("is described where neighbouring hours disagree", () => {
    const endpoint = ({ address, orPort }: (typeof relays)[number]) => `${address}:${orPort}`;
    const left = asked(endpoint(leaving!), ...at(2)).relays[0];
    expect(left).toMatchObject({ listedUntil: "2026-11-22T12:00:00Z", spans: [{ after: "not-listed", documents: 2 }] });
    const joined = asked(endpoint(joining!), ...at(1)).relays[0];
    expect(joined).toMatchObject({ listedFrom: "2026-11-22T11:00:00Z", spans: [{ before: "not-listed" }] });
  });

  it("is described for IPv6, for neighbours, and for what is known without a consensus", () => {
    const { address, port } = with6!.ipv6!;
    const six = asked(`[${address}]:${port}`);
    expect([six.answer, six.relays[0].orAddresses]).toEqual(["listed", [{ address, port }]]);
    expect(asked(address.replace(/[^:]*$/, "ffff")).neighbours.length).toBeGreaterThan(0);
    const bridge = ["--bridge", "obfs4 203.0.113.9:443 0123456789ABCDEF0123456789ABCDEF01234567"];
    expect(asked("203.0.113.9", ...bridge).known).toMatchObject([{ listing: "bridge", current: true }]);
    // Of the public network; the torrc's authorities would take their place.
    const known = leek(["relays", "lookup", "128.31.0.39", "--json", "--consensus", FIXTURE]);
    const listings = described(known.stdout, "relay-lookup").known as { listing: string; role: string }[];
    expect(new Set(listings.map(({ role }) => role))).toEqual(new Set(["or", "dir"]));
    expect(asked("192.0.2.1").known).toMatchObject(new Array(3).fill({ listing: "authority" }));
  });

  it("is described line by line for a list, and without any document", () => {
    const { address } = staying[0]!;
    const input = Buffer.from(`${address}\n${address}:1\n203.0.113.1\n2001:db8::1\n`);
    const args = ["relays", "lookup", "-", "--json", "--consensus", join(scratch, "hours")];
    const lines = leek(args, input).stdout.trimEnd().split("\n");
    const answers = lines.map((line) => described(line, "relay-lookup").answer);
    expect(answers).toEqual(["listed", "address-only", "not-listed", "not-listed"]);
    const without = ["relays", "lookup", address, "--json", "--no-local-consensus", "--data-dir", newDataDir()];
    expect(described(leek(without).stdout, "relay-lookup")).toMatchObject({ answer: "no-data", neighbours: [] });
  });
});

describe("leek relays list --json", () => {
  const list = (...args: string[]) => described(leek(["relays", "list", "--json", ...args]).stdout, "relay-list");

  it("is described, verified and not, with countries and without, with relays and none", () => {
    const first = Number.parseInt(relays[0]!.address, 10) * 2 ** 24;
    const geoip = write("geoip", `${first},${first + 2 ** 24 - 1},de\n`);
    const verified = list("--consensus", documents, ...trust, "--at", "2026-11-22 10:30", "--geoip", geoip);
    expect(verified.document.verification).toEqual({ state: "verified", good: 3, needed: 2, authorities: 3 });
    expect(verified.at).toBe("2026-11-22T10:30:00Z");
    const countries = new Set(verified.relays.map(({ country }: { country?: string }) => country));
    expect(countries).toEqual(new Set(["DE", undefined]));
    const all = list("--consensus", documents);
    expect([all.at, all.document.verification.state]).toEqual([null, "unverified"]);
    const chosen = ["--flag", "Guard", "--country", "de", "--geoip", geoip, "--sort", "nickname"];
    expect(list("--consensus", documents, ...chosen)).toMatchObject({ flags: ["Guard"], countries: ["de"] });
    expect(list("--consensus", documents, "--flag", "NoSuchFlag").relays).toEqual([]);
    expectRefused(all, (it) => delete it.document.verification.reason);
    expectRefused(all, (it) => (it.document.verification.state = "invalid"));
    expectRefused(all, (it) => (it.relays[0].country = "de"));
    expectRefused(all, (it) => delete it.relays[0].orAddresses);
  });
});

describe("leek relays verify --json", () => {
  it("is described for each state", () => {
    const good = join(documents, "c0");
    const certs = ["--certs", join(documents, "cached-certs")];
    const bytes = consensus(TEN).toString("latin1");
    const changed = write("changed", Buffer.from(bytes.replace(/Running/, "Runnung"), "latin1"));
    const unread = write("unread", "no consensus");
    const { stdout, status } = leek(["relays", "verify", "--json", good, changed, unread, ...trust, ...certs]);
    expect(status).toBe(1);
    const document = described(stdout, "relays-verify");
    const states = document.documents.map(({ verification }: { verification: object }) => Object.values(verification));
    expect(states).toEqual([
      ["verified", 3, 2, 3],
      ["invalid", 0, 2, 3, expect.any(String)],
      ["invalid", expect.any(String)],
    ]);
    const without = described(leek(["relays", "verify", "--json", changed, ...trust]).stdout, "relays-verify");
    expect(without.documents[0].verification.state).toBe("unverified");
    expectRefused(document, (it) => delete it.documents[0].flavor);
    expectRefused(document, (it) => (it.documents[2].flavor = "ns"));
    expectRefused(document, (it) => (it.documents[0].verification.reason = "none"));
    expectRefused(document, (it) => delete it.documents[1].verification.reason);
    expectRefused(document, (it) => (it.documents = []));
  });
});

describe("leek relays import, status and prune --json", () => {
  it("are described for an archive that fills, has gaps, is damaged, and is emptied", () => {
    const at = ["--data-dir", newDataDir()];
    const relaysJson = (name: string, ...args: string[]) =>
      described(leek(["relays", name, "--json", ...args, ...at]).stdout, `relays-${name}`);

    const empty = relaysJson("status", "--verify", ...trust);
    expect(empty).toMatchObject({ bytes: 0, certificates: [], verified: { count: 0, problems: [] } });

    const broken = write("broken", exitList.toString().replace("192.0.2.77", "192.0.2.999"));
    const refused = relaysJson("import", join(documents, "c0"), broken, ...trust);
    expect(refused).toMatchObject({ unverified: 1, problemCount: 2 });
    const changed = write(
      "c0",
      Buffer.from(
        consensus(TEN)
          .toString("latin1")
          .replace(/Running/, "Runnung"),
        "latin1",
      ),
    );
    const imported = relaysJson("import", documents, changed, ...trust);
    expect(imported).toMatchObject({ consensuses: { added: 5 }, exitLists: { added: 1 }, other: 1, invalid: 1 });
    expect(relaysJson("import", documents, ...trust).consensuses).toEqual({ added: 0, replaced: 0, present: 5 });
    expect(relaysJson("import", join(FIXTURE, "cached-certs"), ...trust).foreignCertificates).toBeGreaterThan(0);

    const full = relaysJson("status");
    expect(full.verified).toBeUndefined();
    expect(full.documents).toMatchObject([
      { kind: "ns", count: 1, gaps: [] },
      { kind: "microdesc", count: 4, missing: 2, gaps: [{ after: "2026-11-22T12:00:00Z", missing: 2 }] },
      { kind: "exit-list", count: 1 },
    ]);
    const doubted = relaysJson("status", "--verify");
    expect(doubted.verified).toMatchObject({ count: 0 });
    expect(doubted.verified.problems).toHaveLength(5);

    const wouldBe = relaysJson("prune", "--before", "2026-11-22 12:00", "--dry-run");
    expect(wouldBe).toMatchObject({ dryRun: true, before: "2026-11-22T12:00:00Z", consensuses: 3, exitLists: 1 });
    expect(relaysJson("prune", "--keep", "1h", "--before", "2027-06-01")).toMatchObject({
      dryRun: false,
      consensuses: 5,
    });
    expect(relaysJson("prune", "--keep", "5000y").before).toMatch(/^-00/);
    expect(relaysJson("prune", "--keep", "999999y").before).toMatch(/^@-/);

    expectRefused(full, (it) => it.documents.reverse());
    expectRefused(full, (it) => delete it.documents[0].first);
    expectRefused(empty, (it) => (it.documents[0].first = "2026-11-22T12:00:00Z"));
    expectRefused(full, (it) => (it.bytes = -1));
    expectRefused(imported, (it) => delete it.consensuses.replaced);
    expectRefused(refused, (it) => (it.problems[0].code = "EIO"));
    expectRefused(wouldBe, (it) => delete it.dryRun);
  });
});

describe("leek relays update --json", () => {
  afterEach(expectNoClientLeft);
  const NOW = Math.floor(Date.now() / 1000);
  const CURRENT = NOW - (NOW % HOUR);
  const day = (seconds: number) => new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
  const times = { published: day(NOW - 365 * 24 * HOUR), expires: day(NOW + 365 * 24 * HOUR) };
  const FINGERPRINT = "0123456789ABCDEF0123456789ABCDEF01234567";

  /** Without blocking the control port in this process. HOME is empty but for these files of tor. */
  async function update(files: Readonly<Record<string, string | Buffer>>, args: readonly string[]): Promise<Outcome> {
    const home = mkdtempSync(join(scratch, "home-"));
    mkdirSync(join(home, ".tor"));
    for (const [name, content] of Object.entries(files)) writeFileSync(join(home, ".tor", name), content);
    const words = [LEEK, "relays", "update", "--json", "--data-dir", join(home, "data"), ...trust, ...args];
    const child = spawn(process.execPath, words, { env: { ...process.env, HOME: home } });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
    const [status] = await once(child, "close");
    rmSync(home, { recursive: true });
    return { status, stdout, stderr };
  }

  it("is described with what the local tor says of itself, and without", async () => {
    const files = {
      "cached-certs": signers.map((it) => makeCertificate(it, times)).join(""),
      "cached-microdesc-consensus": consensus(CURRENT, { annotated: false }),
    };
    const alone = await update(files, ["--from", "files"]);
    expect([alone.status, described(alone.stdout, "relays-update")]).toMatchObject([
      0,
      { documents: [{ kept: "added" }] },
    ]);

    const lines = (key: string, all: readonly string[]) => `250+${key}=\r\n${all.join("\r\n")}\r\n.\r\n250 OK\r\n`;
    const tor = await fakeTor({
      "GETINFO dir/status-vote": "551 none\r\n",
      "GETINFO version": "250-version=0.4.9.11\r\n250 OK\r\n",
      "GETINFO entry-guards": lines("entry-guards", [
        `$${FINGERPRINT}~one up`,
        `$${"0".repeat(40)} never-connected`,
        `$${FINGERPRINT} down 2026-11-22 10:00:00`,
      ]),
      "GETINFO orconn-status": lines("orconn-status", [
        `$${FINGERPRINT}~one CONNECTED`,
        "198.51.100.7:9001 NEW",
        "[2001:db8::7]:9001 LAUNCHED",
      ]),
      "GETINFO ns/id/": "552 no\r\n",
      GETCONF: `250-UseBridges=1\r\n250-Bridge=203.0.113.77:8443 ${FINGERPRINT}\r\n250 Bridge=[2001:db8::9]:444\r\n`,
    });
    const both = ["--from", "files", "--from", "control", "--control", `127.0.0.1:${tor.where.port}`];
    const { status, stdout, stderr } = await update(files, both);
    expect([status, stderr]).toEqual([0, expect.stringContaining("has no microdesc consensus")]);
    const document = described(stdout, "relays-update");
    expect(document.tor).toMatchObject({
      version: "0.4.9.11",
      bridges: ["203.0.113.77:8443", "[2001:db8::9]:444"],
      guards: [{ status: "up" }, { status: "never-connected" }, { status: "down" }],
    });
    expect(document.tor.orConnections.map(({ endpoints }: { endpoints: object[] }) => endpoints.length)).toEqual([
      1, 1, 1,
    ]);
    expectRefused(document, (it) => (it.documents[0].kept = "lost"));
    expectRefused(document, (it) => (it.tor.guards[0].status = "well"));
    expectRefused(document, (it) => delete it.tor.version);
  });
});

describe("leek analyze --json", () => {
  const analyze = (capture: string, ...args: string[]) =>
    described(leek(["analyze", "--json", "--no-local-consensus", capture, ...args]).stdout, "analysis");
  const kinds = ({ flows }: { flows: { evidence: { kind: string }[] }[] }) =>
    new Set(flows.flatMap(({ evidence }) => evidence.map(({ kind }) => kind)));
  const syns = (...endpoints: (readonly [string, number, number])[]) => {
    const packets = endpoints.map(([dst, dstPort, seconds], i) => ({
      seconds,
      bytes: ethernet({}, ipv4({ src: "192.168.1.2", dst }, tcp({ srcPort: 40_000 + i, dstPort, flags: 2 }))),
    }));
    return write("syns.pcap", Buffer.from(buildPcap({}, packets)));
  };

  it("is described for whole captures and cut ones, with documents and without, and so is each line of --ndjson", () => {
    const trusting = ["--consensus", FIXTURE, "--authorities-from", join(FIXTURES, "torrc-authorities")];
    const verified = analyze(join(FIXTURES, "relay-other-port.pcap"), ...trusting);
    expect(verified.directory.documents[0].verification.state).toBe("verified");
    expect(kinds(verified)).toContain("relay-address-other-port");
    const cut = analyze(join(FIXTURES, "truncated.pcap"));
    expect([cut.capture.sources[0].truncated, cut.directory.coverage]).toEqual([true, "none"]);
    expect(kinds(cut)).toContain("no-document");
    const args = ["analyze", "--ndjson", join(FIXTURES, "relay-other-port.pcap"), ...trusting];
    const lines = leek(args).stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(verified.flows.length);
    for (const line of lines) {
      expect(validator.validate("leek/analysis@1#/$defs/flow", JSON.parse(line)), line).toBe(true);
    }
    expectRefused(verified, (it) => delete it.flows[0].evidence[0].kind);
    expectRefused(verified, (it) => (it.flows[0].evidence[0].kind = "hunch"));
    expectRefused(verified, (it) => (it.flows[0].first = "2026-11-22T10:00:00Z"));
    expectRefused(verified, (it) => delete it.directory.documents[0].anomalies);
  });

  it("is described for each kind of evidence", () => {
    const { address, orPort } = staying[0]!;
    const inReach = TEN + 1800;
    const capture = syns(
      [address, orPort, inReach],
      [address, 1, inReach],
      [address, orPort, inReach + 30 * 24 * HOUR],
      ["203.0.113.1", 443, inReach],
      ["203.0.113.9", 443, inReach],
      ["128.31.0.39", 9201, inReach],
      ["128.31.0.39", 9231, inReach],
      ["192.168.1.3", 80, inReach],
      ["45.66.35.11", 443, Date.UTC(2010, 0) / 1000],
      ["64.65.62.122", 443, inReach],
      ["203.0.113.1", 443, inReach + 30 * 24 * HOUR],
    );
    const bridge = ["--bridge", "obfs4 203.0.113.9:443 0123456789ABCDEF0123456789ABCDEF01234567"];
    const document = analyze(capture, "--consensus", join(scratch, "hours"), ...bridge);
    expect([...kinds(document)].sort()).toEqual([
      "authority",
      "bridge",
      "consensus",
      "consensus-out-of-reach",
      "dir-port",
      "fallback",
      "former-authority",
      "no-document",
      "not-listed",
      "relay-address-other-port",
      "special-range",
    ]);
  });

  it("is described for a capture from after the year 9999", () => {
    const bytes = ethernet({}, ipv4({ src: "192.168.1.2", dst: "203.0.113.1" }, tcp({ flags: 2 })));
    for (const [seconds, first] of [
      [Date.UTC(12_000, 0) / 1000, "+012000-01-01T00:00:00.000000Z"],
      [1e13, "@10000000000000.000000"],
    ] as const) {
      const file = new PcapngBuilder()
        .section()
        .interface()
        .enhancedPacket({ timestamp: BigInt(seconds) * 1_000_000n, bytes });
      expect(analyze(write("far.pcapng", Buffer.from(file.build()))).flows).toMatchObject([{ first, last: first }]);
    }
  });
});

describe("leek audit --json", () => {
  const audit = (capture: string, ...args: string[]) =>
    described(leek(["audit", "--json", "--no-local-consensus", capture, ...args]).stdout, "audit");
  const trusting = ["--consensus", FIXTURE, "--authorities-from", join(FIXTURES, "torrc-authorities")];
  const fixture = (name: string) => join(FIXTURES, `${name}.pcap`);

  it("is described for each verdict, and says in its first members what the others prove", () => {
    const clean = audit(fixture("only-tor"), ...trusting, "--drops", "0");
    expect(clean).toMatchObject({ verdict: "clean", reasons: [], findings: [], coverage: { dropped: 0 } });
    const leaking = audit(fixture("any-interface"), ...trusting);
    expect(leaking).toMatchObject({ verdict: "leak", node: { inferred: true }, coverage: { dropped: null } });
    expect(new Set(leaking.findings.map(({ severity }: { severity: string }) => severity))).toEqual(
      new Set(["leak", "note"]),
    );
    const unsure = audit(fixture("bridge"), "--consensus", FIXTURE, "--node", "192.168.50.0/24", "--role", "relay");
    expect(unsure).toMatchObject({
      verdict: "inconclusive",
      node: { addresses: ["192.168.50.0/24"], inferred: false },
      role: "relay",
      coverage: { consensuses: [{ verification: "unverified" }, { verification: "unverified" }] },
    });

    expectRefused(clean, (it) => (it.reasons = unsure.reasons));
    expectRefused(clean, (it) => (it.findings = leaking.findings));
    expectRefused(clean, (it) => (it.verdict = "inconclusive"));
    expectRefused(clean, (it) => (it.verdict = "leak"));
    expectRefused(leaking, (it) => (it.verdict = "clean"));
    expectRefused(leaking, (it) => delete it.findings[0].remedy);
    expectRefused(leaking, (it) => (it.findings[0].rule = "gossip"));
    expectRefused(leaking, (it) => (it.findings[0].severity = "error"));
    expectRefused(leaking, (it) => (it.findings[0].proof = []));
    expectRefused(leaking, (it) => (it.findings[0].disclosed[0].kind = "secret"));
    expectRefused(leaking, (it) => (it.findings[0].process = { pid: 1, name: "curl" }));
    expectRefused(unsure, (it) => (it.reasons[0].code = "weather"));
    expectRefused(unsure, (it) => (it.policy.severities = { dns: "none" }));
    expectRefused(unsure, (it) => (it.policy.severities = { gossip: "note" }));
    expectRefused(unsure, (it) => (it.exceptions = [{ flows: 1, packets: 1, bytes: 1 }]));
  });

  it("has the members that the documentation shows, in that order", () => {
    const document = audit(fixture("tor-and-dns-leak"), ...trusting);
    const members = ["schema", "leek", "verdict", "reasons", "node", "role", "policy", "findings", "exceptions"];
    expect(Object.keys(document)).toEqual([...members, "coverage", "classes"]);
    expect(Object.keys(document.reasons[0])).toEqual(["code", "text", "details", "remedy"]);
    expect(Object.keys(document.findings[0])).toEqual([
      ...["id", "rule", "severity", "title", "disclosed", "flows", "flowCount", "packets", "bytes"],
      ...["first", "last", "process", "proof", "remedy"],
    ]);
  });

  it("is described for a cut capture, for one without documents, and for one without packets", () => {
    const cut = audit(fixture("truncated"));
    expect(cut.coverage).toMatchObject({ documents: "none", consensuses: [] });
    const empty = audit(write("empty.pcap", Buffer.from(buildPcap({}, []))), ...trusting);
    expect(empty).toMatchObject({ verdict: "inconclusive", coverage: { first: null, last: null, durationSeconds: 0 } });
  });
});

describe("leek verify-evidence --json", () => {
  const trusting = ["--consensus", FIXTURE, "--authorities-from", join(FIXTURES, "torrc-authorities")];
  const local = ["--no-local-consensus", ...trusting];
  const keep = (name: string, ...args: string[]) => {
    const folder = join(mkdtempSync(join(scratch, "evidence-")), "evidence");
    leek(["audit", join(FIXTURES, `${name}.pcap`), ...local, "--evidence", folder, ...args]);
    return folder;
  };
  /** The document, whose exit status must be that of the text. */
  const verify = (folder: string, status: number, ...args: string[]) => {
    const text = leek(["verify-evidence", folder, ...local, ...args]);
    const json = leek(["verify-evidence", folder, "--json", ...local, ...args]);
    expect([json.status, text.status, json.stderr]).toEqual([status, status, text.stderr]);
    const document = described(json.stdout, "evidence-verification");
    for (const sentence of [...document.differences, ...document.unknown]) expect(text.stdout).toContain(sentence);
    return document;
  };
  /** Both flavors. */
  const consensuses = ["consensus same", "consensus same"];
  const digests = ({ digests: all }: { digests: { of: string; state: string }[] }) =>
    all.map(({ of, state }) => `${of} ${state}`);

  it("is described for evidence that shows what it claims", () => {
    const document = verify(keep("tor-and-dns-leak"), 0);
    expect(document).toMatchObject({
      state: "verified",
      evidence: { redacted: false },
      verdict: { claimed: "leak", derived: "leak", agrees: true },
      unchecked: [],
      differences: [],
      unknown: [],
    });
    expect(digests(document)).toEqual(["manifest same", "packets same", "findings same", ...consensuses]);
    expect(document.findings).toContainEqual({ finding: 0, rule: "dns", severity: "leak", state: "verified" });
    for (const { claimed, found } of document.digests) expect(found).toBe(claimed);

    expectRefused(document, (it) => (it.differences = ["Something."]));
    expectRefused(document, (it) => (it.unknown = ["Something."]));
    expectRefused(document, (it) => (it.state = "not-verified"));
    expectRefused(document, (it) => (it.state = "cannot-tell"));
    expectRefused(document, (it) => (it.findings = null));
    expectRefused(document, (it) => (it.findings[0].state = "cannot-tell"));
    expectRefused(document, (it) => (it.evidence = null));
    expectRefused(document, (it) => (it.verdict.derived = "clean"));
    expectRefused(document, (it) => (it.verdict.agrees = null));
    expectRefused(document, (it) => (it.unchecked = ["weather"]));
    expectRefused(document, (it) => (it.digests = []));
  });

  it("is described for packets that were changed, and does not judge them", () => {
    const folder = keep("tor-and-dns-leak");
    const packets = readFileSync(join(folder, "packets.pcapng"));
    packets[packets.length - 20]! ^= 1;
    writeFileSync(join(folder, "packets.pcapng"), packets);
    const document = verify(folder, 1);
    expect(digests(document)).toEqual(["manifest same", "packets other", "findings same"]);
    expect(document.digests[1].found).not.toBe(document.digests[1].claimed);
    expect(document).toMatchObject({
      state: "not-verified",
      verdict: { claimed: "leak", derived: null, agrees: null },
      findings: null,
      unchecked: null,
    });
    expectRefused(document, (it) => (it.differences = []));
    expectRefused(document, (it) => (it.unchecked = []));
  });

  it("is described for findings and a verdict that the packets do not show, though all digests fit", () => {
    const folder = keep("tor-and-dns-leak");
    const forge = (change: (manifest: Json, findings: Json) => void) => {
      const [{ sha256: _, ...manifest }, findings] = ["manifest.json", "findings.json"].map((name) =>
        JSON.parse(readFileSync(join(folder, name), "utf8")),
      );
      change(manifest, findings);
      const text = JSON.stringify(findings);
      manifest.files["findings.json"] = { bytes: Buffer.byteLength(text), sha256: sha256Of(text) };
      writeFileSync(join(folder, "findings.json"), text);
      writeFileSync(join(folder, "manifest.json"), manifestText(manifest));
    };
    forge((manifest, findings) => {
      manifest.verdict = "clean";
      findings.verdict = "clean";
    });
    const unlike = verify(folder, 1);
    expect(unlike.verdict).toEqual({ claimed: "clean", derived: "leak", agrees: false });
    expect(unlike.findings[0].state).toBe("verified");
    forge((manifest, findings) => {
      manifest.verdict = "leak";
      findings.verdict = "leak";
      findings.findings[0].packets++;
    });
    const document = verify(folder, 1);
    expect(digests(document)).toEqual(["manifest same", "packets same", "findings same", ...consensuses]);
    expect(document.findings[0]).toEqual({ finding: 0, rule: "dns", severity: "leak", state: "not-verified" });
    expect(document.differences[0]).toMatch(/^dns: it claims \d+ packets/);
  });

  it("is described for a missing file, and for a manifest that was changed", () => {
    const folder = keep("tor-and-dns-leak");
    rmSync(join(folder, "packets.pcapng"));
    const missing = verify(folder, 1);
    expect(missing.digests[1]).toMatchObject({ name: "packets.pcapng", state: "missing", found: null });
    const manifest = join(folder, "manifest.json");
    writeFileSync(manifest, readFileSync(manifest, "utf8").replace('"leak"', '"clean"'));
    const changed = verify(folder, 1);
    expect(changed).toMatchObject({ evidence: null, verdict: { claimed: null }, findings: null });
    expect(digests(changed)).toEqual(["manifest other"]);
    writeFileSync(manifest, "{");
    expect(digests(verify(folder, 1))).toEqual(["manifest not-checked"]);
    rmSync(manifest);
    const { status, stdout } = leek(["verify-evidence", folder, "--json"]);
    expect([status, stdout]).toEqual([66, ""]);
  });

  it("is described for redacted evidence, of which it says what was not checked", () => {
    const document = verify(keep("tor-and-dns-leak", "--redact"), 0);
    expect(document).toMatchObject({ state: "verified", evidence: { redacted: true }, unchecked: ["rules"] });
  });

  it("is described where something is missing to tell", () => {
    const folder = keep("tor-and-dns-leak", "--policy", write("policy.yaml", "role: client\n"));
    const { status, stdout } = leek(["verify-evidence", folder, "--json", "--no-local-consensus"]);
    const document = described(stdout, "evidence-verification");
    expect(status).toBe(2);
    expect(document).toMatchObject({ state: "cannot-tell", findings: null, differences: [] });
    expect(digests(document).slice(3)).toEqual(["policy not-checked", "consensus missing", "consensus missing"]);
    const nothing = verify(keep("only-tor"), 2);
    expect(nothing).toMatchObject({ state: "cannot-tell", findings: [], verdict: { derived: null, agrees: null } });
    expectRefused(nothing, (it) => (it.state = "verified"));
  });
});

describe("leek interfaces --json", () => {
  it("is described", () => {
    const document = described(leek(["interfaces", "--json"]).stdout, "interfaces");
    expect(document.interfaces.length).toBeGreaterThan(0);
    const lo = { address: "127.0.0.1", prefixLength: 8, family: "IPv4" };
    expectRefused(document, (it) => (it.interfaces[0].up = "yes"));
    expectRefused(document, (it) => (it.interfaces[0].addresses = [{ ...lo, family: 4 }]));
    expectRefused(document, (it) => (it.interfaces[0].addresses = [{ ...lo, family: "IPv6" }]));
    expectRefused(document, (it) => (it.interfaces[0].addresses = [{ ...lo, prefixLength: 33 }]));
    expectRefused(document, (it) => delete it.interfaces[0].mtu);
  });
});
