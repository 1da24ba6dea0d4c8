import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import {
  AuditedNode,
  type AuditReport,
  BaselineRecorder,
  MAX_BASELINE_BYTES,
  parseBaseline,
  parseCidr,
} from "../../src/audit/index.js";
import type { Subject } from "../../src/audit/rule.js";
import { subjectOf } from "../../src/audit/subject.js";
import { loadBaseline, saveBaseline } from "../../src/cli/audit/audit-policy.js";
import type { HostProcess } from "../../src/host/index.js";
import { Analysis, type FlowRecord } from "../../src/pipeline/index.js";
import { PROJECT } from "../support/leek.js";
import { ascii, dnsQuery, dnsReply, icmpEcho, TcpFlag } from "../support/packet-builder.js";
import { captured } from "../support/packets.js";
import { type AuditTraits, allowedTo, auditOf, codes, found, NODE, type Sent, TEN } from "./audited.js";
import { noDirectory, RELAY, verifiedDirectory } from "./documents.js";
import { LEAKS } from "./leaks.js";
import { connection, datagram, ip, segment, tlsWords, torLink } from "./traffic.js";

type Frames = readonly (Uint8Array | Sent)[];

/** The baseline of a run, as text. */
async function saved(frames: Frames, traits: AuditTraits = {}): Promise<string> {
  const recorder = new BaselineRecorder();
  await auditOf(frames, { node: [NODE], ...traits, options: { ...traits.options, recorder } });
  return recorder.toText();
}

function heldTo(text: string, frames: Frames, traits: AuditTraits = {}): Promise<AuditReport> {
  const baseline = parseBaseline(text, "ci.json");
  return auditOf(frames, { node: [NODE], ...traits, options: { ...traits.options, baseline } });
}

/** What a run held to the baseline of another finds, and what it knows. */
async function news(before: Frames, now: Frames, traits: AuditTraits = {}, traitsNow = traits) {
  const report = await heldTo(await saved(before, traits), now, traitsNow);
  return { found: found(report), known: report.exceptions.map(({ because }) => because), verdict: report.verdict };
}

const lookup = (name: string, srcPort = 50_001) =>
  datagram({ dst: "203.0.113.53", dstPort: 53, srcPort }, dnsQuery(name));
const web = (dst = "203.0.113.80", port = 443, name = "www.example.com", srcPort = 50_002) =>
  connection({ dst, dstPort: port, srcPort }, tlsWords(name));
const KNOWN_DNS = "known by the baseline ci.json: dns";
const KNOWN_TLS = "known by the baseline ci.json: tls";

describe("a run held to the baseline of another", () => {
  it("finds nothing in the same packets, and tells what it knows with its count", async () => {
    const frames = [...torLink(), lookup("example.com"), lookup("example.com", 50_009), ...web()];
    const report = await heldTo(await saved(frames), frames);
    expect([report.verdict, found(report)]).toEqual(["clean", []]);
    expect(report.exceptions).toEqual([
      { because: KNOWN_DNS, flows: 2, packets: 2, bytes: expect.any(Number) },
      { because: KNOWN_TLS, flows: 1, packets: 10, bytes: expect.any(Number) },
    ]);
  });

  it.each(LEAKS.map((leak) => [leak.what, leak] as const))(
    "knows %s when the baseline has it, and only then",
    async (_what, { frames, rule, severity }) => {
      const leaking = [...torLink(), ...frames(NODE, "203.0.113.9")];
      expect((await news(leaking, leaking)).found).toEqual([]);
      expect((await news(torLink(), leaking)).found).toContain(`${rule} ${severity}`);
    },
  );

  it.each<[string, Frames, Frames, string]>([
    ["another name that DNS is asked for", [lookup("example.com")], [lookup("example.net")], "dns leak"],
    [
      "another address without a name",
      [segment({ dst: "203.0.113.1", dstPort: 7 }, TcpFlag.SYN)],
      [segment({ dst: "203.0.113.2", dstPort: 7 }, TcpFlag.SYN)],
      "other-tcp leak",
    ],
    ["another name of a server", web(), web(undefined, 443, "www.example.net"), "tls leak"],
    ["another port", web(), web(undefined, 8443), "tls leak"],
    [
      "another transport",
      [segment({ dstPort: 7 }, TcpFlag.SYN)],
      [datagram({ dstPort: 7 }, ascii("x"))],
      "other-udp leak",
    ],
    [
      "another application",
      connection({ dstPort: 443 }),
      connection({ dstPort: 443 }, [[0, "GET / HTTP/1.0\r\n\r\n"]]),
      "http leak",
    ],
    [
      "a service that answers where it did not",
      [segment({ src: "203.0.113.9", dst: NODE, dstPort: 22 }, TcpFlag.SYN)],
      connection({ src: "203.0.113.9", dst: NODE, dstPort: 22 }),
      "inbound leak",
    ],
    [
      "the other direction",
      connection({ dstPort: 22 }),
      connection({ src: "203.0.113.9", dst: NODE, dstPort: 22 }),
      "inbound leak",
    ],
    [
      "an address in place of the name that looks like it",
      web("203.0.113.80", 443, "203.0.113.81"),
      connection({ dst: "203.0.113.81", dstPort: 443 }),
      "other-tcp leak",
    ],
  ])("finds %s", async (_what, before, now, finding) => {
    expect(await news([...torLink(), ...before], [...torLink(), ...now])).toEqual({
      found: [finding],
      known: [],
      verdict: "leak",
    });
  });

  it("tells what is new apart from what is known of the same rule", async () => {
    expect(
      await news([...torLink(), lookup("a.example")], [...torLink(), lookup("a.example"), lookup("b.example", 50_009)]),
    ).toEqual({
      found: ["dns leak"],
      known: [KNOWN_DNS],
      verdict: "leak",
    });
  });

  it("knows a server by its name at another address, and a name of DNS in other letters", async () => {
    expect((await news(web("203.0.113.80"), web("203.0.113.99"))).found).toEqual([]);
    expect((await news([lookup("example.com")], [lookup("eXaMpLe.CoM")])).found).toEqual([]);
    const answered = (address: string) => [
      lookup("host.example"),
      datagram({ src: "203.0.113.53", srcPort: 53, dst: NODE, dstPort: 50_001 }, dnsReply("host.example", [address])),
      segment({ dst: address, dstPort: 7 }, TcpFlag.SYN),
    ];
    expect((await news(answered("203.0.113.1"), answered("203.0.113.2"))).found).toEqual([]);
  });

  it("does not let a note stand for a leak", async () => {
    const severities = new Map([["dns", "note"]] as const);
    const frames = [...torLink(), lookup("example.com")];
    expect(await news(frames, frames, { policy: { severities } }, {})).toMatchObject({
      found: ["dns leak"],
      verdict: "leak",
    });
    expect(await news(frames, frames, {}, { policy: { severities } })).toMatchObject({ found: [], known: [KNOWN_DNS] });
  });

  it("does not know what an exception of the policy let pass, once there is none", async () => {
    const frames = [...torLink(), lookup("example.com")];
    const allow = [allowedTo("203.0.113.53", "x")];
    expect((await news(frames, frames, { policy: { allow } }, {})).found).toEqual(["dns leak"]);
  });

  it("does not know later what it knows of the time before Tor was up", async () => {
    const early = [lookup("example.com"), ...torLink()];
    const options = { expectBootstrap: true };
    expect(await news(early, early, { options })).toMatchObject({
      found: [],
      known: ["known by the baseline ci.json: start-up"],
    });
    expect(await news(early, [...torLink(), lookup("example.com")], { options })).toMatchObject({
      found: ["dns leak"],
    });
  });

  it("never knows a fail-open", async () => {
    const failing = [...torLink({ isClosed: true }), lookup("example.com")];
    const report = await auditOf(failing, { node: [NODE] });
    expect(found(report)).toContain("fail-open leak");
    expect((await news(failing, failing)).found).toEqual(found(report));
  });

  it("stays inconclusive for what looks like Tor and is in no list, known or not", async () => {
    const frames = [...torLink(), ...torLink({ dst: "203.0.113.5", dstPort: 443 })];
    expect(JSON.parse(await saved(frames)).contacts).toMatchObject([
      { class: "tor-suspected", address: "203.0.113.5" },
    ]);
    const report = await heldTo(await saved(frames), frames);
    expect([report.verdict, codes(report), found(report)]).toEqual(["inconclusive", ["tor-unlisted"], []]);
  });

  it("does not know what no document could judge, and may be a relay", async () => {
    const frames = [...torLink(), ...web()];
    expect(JSON.parse(await saved(frames, { directory: noDirectory })).contacts).toEqual([]);
    const report = await heldTo(await saved(frames), frames, { directory: noDirectory });
    expect(codes(report)).toEqual(expect.arrayContaining(["no-consensus", "tor-unlisted", "flows-unjudged"]));
    expect(report.exceptions).toEqual([]);
  });
});

describe("a baseline", () => {
  const LAN = [
    datagram({ dst: "192.168.1.1", dstPort: 9, srcPort: 1 }, ascii("x")),
    datagram({ dst: "192.168.1.2", dstPort: 9, srcPort: 1 }, ascii("x")),
    ip(NODE, "192.168.1.1", icmpEcho(false, 1, 1)),
  ];

  it("is the same for the same contacts, in whatever order and by whatever ports of the node", async () => {
    const one = [...LAN, lookup("a.example"), lookup("b.example", 50_003), ...web(), ...torLink()];
    const other = [
      ...torLink(),
      ...web(undefined, 443, undefined, 50_004),
      lookup("b.example"),
      lookup("a.example", 50_005),
      ...LAN.toReversed(),
    ];
    expect(await saved(one)).toBe(await saved(one));
    expect(await saved(other)).toBe(await saved(one));
    expect((await saved(one)).endsWith("}\n")).toBe(true);
  });

  it("names no relay: all of Tor is one entry", async () => {
    const text = await saved(torLink());
    expect(text).not.toContain(RELAY);
    expect(JSON.parse(text)).toEqual({ schema: "leek/audit-baseline@1", complete: true, tor: true, contacts: [] });
  });

  it("has what stays on the site, though nothing was found of it, but nothing of what stays on the machine", async () => {
    const loopback = datagram({ src: "127.0.0.1", dst: "127.0.0.1", dstPort: 9 }, ascii("x"));
    const { contacts } = JSON.parse(await saved([...LAN, loopback]));
    expect(contacts.map(({ address, port, transport }: Record<string, unknown>) => [address, port, transport])).toEqual(
      [
        ["192.168.1.1", 9, "udp"],
        ["192.168.1.1", null, "icmp"],
        ["192.168.1.2", 9, "udp"],
      ],
    );
  });

  it("has nothing of other machines", async () => {
    const { contacts } = JSON.parse(await saved([datagram({ src: "192.168.1.77", dstPort: 9 }, ascii("x"))]));
    expect(contacts).toEqual([]);
  });

  it("is as the schema says, and can be read back", async () => {
    const text = await saved([...LAN, lookup("a.example"), ...web(), ...torLink()]);
    expect(fits(JSON.parse(text)), JSON.stringify(fits.errors)).toBe(true);
    expect(() => parseBaseline(text, "x")).not.toThrow();
  });

  it("says when it has not all, and is not larger than what is read", () => {
    const recorder = new BaselineRecorder();
    const [subject] = subjectsOf([lookup("a.example")]);
    const hostile = "\u0001".repeat(256);
    for (let i = 0; i < 10_001; i++) {
      const names = [`${i}${hostile}`.slice(0, 256)];
      const name = hostile.slice(0, 15);
      recorder.add(ofProcess({ ...subject!, record: { ...subject!.record, names } }, { name }), [
        { rule: "dns", severity: "leak" },
      ]);
    }
    const text = recorder.toText();
    const { complete, contacts } = JSON.parse(text);
    expect([complete, contacts.length]).toEqual([false, 10_000]);
    expect(text.length).toBeLessThan(MAX_BASELINE_BYTES / 2);
    expect(() => parseBaseline(text, "x")).not.toThrow();
  });
});

describe("the process of a contact", () => {
  const judged = [{ rule: "dns", severity: "leak" }] as const;
  const [subject] = subjectsOf([lookup("a.example")]);
  const isKnown = (before: Partial<HostProcess> | undefined, now: Partial<HostProcess> | undefined) => {
    const recorder = new BaselineRecorder();
    recorder.add(ofProcess(subject!, before), judged);
    return parseBaseline(recorder.toText(), "x").knownAs(ofProcess(subject!, now), judged) !== undefined;
  };

  it("must be the same, and known when it was known", () => {
    expect(isKnown({ name: "a" }, { name: "a", pid: 77 })).toBe(true);
    expect(isKnown({ name: "a" }, { name: "b" })).toBe(false);
    expect(isKnown({ name: "a" }, undefined)).toBe(false);
    expect(isKnown(undefined, { name: "a" })).toBe(false);
    expect(isKnown({ name: "a", unit: "a.service" }, { name: "a", unit: "b.service" })).toBe(false);
    expect(isKnown({ name: "a", container: "web" }, { name: "a", container: "db" })).toBe(false);
  });

  it("is the same in the next session and in the next container, whose numbers are others", () => {
    expect(isKnown({ name: "a", unit: "session-1.scope" }, { name: "a", unit: "session-2.scope" })).toBe(true);
    expect(isKnown({ name: "a", container: "0123456789ab" }, { name: "a", container: "ba9876543210" })).toBe(true);
    expect(isKnown({ name: "a", container: "0123456789ab" }, { name: "a" })).toBe(false);
  });
});

describe("a new contact", () => {
  it("is whoever the baseline does not have and is not on the machine, and Tor where there was none", async () => {
    const lan = (last: number) => datagram({ dst: `192.168.1.${last}`, dstPort: 9 }, ascii("x"));
    const isNew = async (before: Frames, now: Uint8Array[]) => {
      const baseline = parseBaseline(await saved(before), "x");
      return subjectsOf(now).map((subject) => baseline.isNewContact(subject));
    };
    expect(await isNew([lan(1)], [lan(1), lan(2)])).toEqual([false, true]);
    expect(await isNew([], torLink())).toEqual([true]);
    expect(await isNew(torLink(), torLink({ srcPort: 41_000 }))).toEqual([false]);
    expect(await isNew([], [datagram({ src: "127.0.0.1", dst: "127.0.0.1", dstPort: 9 }, ascii("x"))])).toEqual([
      false,
    ]);
  });
});

const schema = JSON.parse(readFileSync(join(PROJECT, "docs", "schemas", "audit-baseline.json"), "utf8"));
const fits = new Ajv2020({ allErrors: true, strictTypes: false, strictRequired: false }).compile(schema);

describe("a damaged baseline", async () => {
  const text = await saved([
    ...torLink(),
    lookup("a.example"),
    ...web(),
    ip(NODE, "203.0.113.9", icmpEcho(false, 1, 1)),
  ]);
  const refusal = (damaged: string) => {
    try {
      parseBaseline(damaged, "ci.json");
      return undefined;
    } catch (error) {
      expect(error).toMatchObject({ name: "LeekError", code: "LEEK_BASELINE_INVALID", kind: "bad-data" });
      return (error as Error).message;
    }
  };

  it("is refused wherever it was cut", () => {
    for (let length = 0; length < text.trimEnd().length; length += 3) {
      expect(refusal(text.slice(0, length)), `${length}`).toContain("Cannot use baseline ci.json: ");
    }
  });

  it.each<[string, (it: ReturnType<typeof JSON.parse>) => unknown, string]>([
    [
      "another version",
      (it) => (it.schema = "leek/audit-baseline@2"),
      "the document: schema must be leek/audit-baseline@1",
    ],
    [
      "a class that is none",
      (it) => (it.contacts[1].class = "tor"),
      "contacts[1]: class must be clearnet or tor-suspected or local",
    ],
    [
      "a rule that is none",
      (it) => (it.contacts[0].findings.gossip = "leak"),
      "contacts[0].findings has an unknown member: gossip",
    ],
    [
      "a severity that is none",
      (it) => (it.contacts[0].findings.dns = "none"),
      "contacts[0].findings: dns must be leak or warning or note",
    ],
    [
      "a name and an address",
      (it) => Object.assign(it.contacts[0], { name: "x", address: "192.0.2.1" }),
      "contacts[0]: name or address must be one of them given",
    ],
    [
      "an address that is none",
      (it) => Object.assign(it.contacts[0], { name: null, address: "x" }),
      "contacts[0]: address must be an address",
    ],
    ["a port that is none", (it) => (it.contacts[0].port = 65_536), "contacts[0]: port must be 0 to 65535"],
    ["a contact twice", (it) => (it.contacts[1] = it.contacts[0]), "contacts[1] stands there twice"],
    ["questions that are no texts", (it) => (it.contacts[0].asked = [1]), "contacts[0].asked must have texts"],
    [
      "too many contacts",
      (it) => (it.contacts = new Array(10_001).fill({})),
      "the document: contacts must be a list of 10000 at most",
    ],
  ])("with %s is refused by name", (_what, damage, message) => {
    const document = JSON.parse(text);
    damage(document);
    expect(refusal(JSON.stringify(document))).toBe(`Cannot use baseline ci.json: ${message}.`);
  });

  it("is refused in each place where the schema refuses it", () => {
    const document = JSON.parse(text);
    const places = placesOf(document);
    const foreign = fc.constantFrom(null, true, 0, -1, 1.5, 70_000, "", [], {}, [null], { surprise: 1 });
    fc.assert(
      fc.property(fc.constantFrom(...places), foreign, fc.boolean(), (path, value, isMissing) => {
        const copy = structuredClone(document);
        let parent = copy;
        for (const key of path.slice(0, -1)) parent = parent[key];
        if (isMissing && !Array.isArray(parent)) delete parent[path.at(-1)!];
        else parent[path.at(-1)!] = value;
        expect(refusal(JSON.stringify(copy)) === undefined, JSON.stringify(fits.errors)).toBe(fits(copy));
      }),
      { numRuns: 1000 },
    );
  });

  it("is refused when it is no document at all, whatever it is", () => {
    fc.assert(fc.property(fc.json(), (it) => void expect(refusal(it)).toBeDefined()));
    fc.assert(fc.property(fc.string(), (it) => void expect(refusal(it)).toBeDefined()));
    expect(refusal('{"__proto__": {"schema": "leek/audit-baseline@1"}}')).toBeDefined();
  });
});

describe("a baseline's file", () => {
  const scratch = mkdtempSync(join(tmpdir(), "leek-baseline-"));
  afterAll(() => rmSync(scratch, { recursive: true }));
  const text = new BaselineRecorder().toText();
  const path = join(scratch, "ci.json");

  it("is written whole and read back, and nothing else is left in its folder", async () => {
    await saveBaseline(path, text);
    expect([readFileSync(path, "utf8"), readdirSync(scratch)]).toEqual([text, ["ci.json"]]);
    expect(await loadBaseline(path)).toMatchObject({ name: path });
  });

  it("keeps its mode, and its place behind a link, when it is written anew", async () => {
    const link = join(scratch, "link.json");
    symlinkSync(path, link);
    chmodSync(path, 0o600);
    await saveBaseline(link, text);
    expect([statSync(path).mode & 0o777, lstatSync(link).isSymbolicLink()]).toEqual([0o600, true]);
    await saveBaseline("/dev/null", text);
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
  });

  it("that cannot be written or read is an error that names it", async () => {
    const missing = join(scratch, "missing", "ci.json");
    await expect(saveBaseline(missing, text)).rejects.toMatchObject({ code: "LEEK_OUTPUT_CREATE", kind: "io" });
    await expect(saveBaseline(scratch, text)).rejects.toMatchObject({ code: "LEEK_OUTPUT_CREATE" });
    await expect(loadBaseline(missing)).rejects.toMatchObject({ code: "LEEK_FILE_NOT_FOUND", kind: "no-input" });
    writeFileSync(path, "{}");
    await expect(loadBaseline(path)).rejects.toMatchObject({ code: "LEEK_BASELINE_INVALID", kind: "bad-data" });
  });
});

/** Every place of a value: the keys and indices that lead there. */
function placesOf(value: unknown): string[][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, it]) => [[key], ...placesOf(it).map((rest) => [key, ...rest])]);
}

/** Flows as an audit of NODE sees them, without its rules. */
function subjectsOf(frames: readonly Uint8Array[]): Subject[] {
  const records: FlowRecord[] = [];
  const analysis = new Analysis({ directory: verifiedDirectory, onFlow: (record) => records.push(record) });
  frames.forEach((frame, i) => {
    analysis.observe(captured(frame, { seconds: TEN + 60 + i, number: i + 1 }));
  });
  analysis.finish([]);
  return records.map((record) => subjectOf(record, new AuditedNode([parseCidr(NODE)!]), "client"));
}

function ofProcess(subject: Subject, traits: Partial<HostProcess> | undefined): Subject {
  if (traits === undefined) return subject;
  const process: HostProcess = {
    ...{ pid: 1, name: "a", commandLine: "", uid: undefined, user: undefined, unit: undefined, container: undefined },
    networkNamespace: undefined,
    ...traits,
  };
  return { ...subject, record: { ...subject.record, process: { confidence: "exact", process } } };
}
