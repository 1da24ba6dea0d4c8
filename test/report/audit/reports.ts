import { type AuditReport, DEFAULT_POLICY, type Finding, REASONS, type Reason } from "../../../src/audit/index.js";
import type { SourceInfo } from "../../../src/capture/index.js";
import { Analysis } from "../../../src/pipeline/index.js";
import { RelayDirectory } from "../../../src/relays/index.js";

const AT = { seconds: 1_795_824_000, nanoseconds: 123_456_000 };

/** All that breaks out of something: control characters, markup, links, mentions, lone surrogates, what XML cannot carry. */
export const HOSTILE =
  "\u0000\u001b[31m\r\n</details><script>alert(1)</script>]]>--><!-- `x` ``|| @torproject #1 \"'&amp;" +
  " [a](https://evil.example) ![b](//evil.example/b.png) https://evil.example www.evil.example \u202e\ufffe\uffff\ud800 {0} \\";

export const CLEAN: AuditReport = {
  verdict: "clean",
  reasons: [],
  node: { addresses: ["192.0.2.10"], inferred: false },
  role: "client",
  policy: DEFAULT_POLICY,
  findings: [],
  exceptions: [],
  coverage: {
    durationSeconds: 12.5,
    dropped: 0,
    cutPackets: 0,
    missingTcpBytes: 0,
    auditedFlows: 3,
    otherFlows: 0,
    unjudgedFlows: 0,
    torFlows: 3,
    documents: "full",
  },
  analysis: { ...new Analysis({ directory: new RelayDirectory() }).finish([source("node.pcap")]), first: AT, last: AT },
};

export function source(name: string, format: SourceInfo["format"] = "pcap"): SourceInfo {
  return {
    name,
    format,
    compression: undefined,
    interfaces: [],
    packets: 7,
    bytes: 700,
    bytesRead: 800,
    totalBytes: 800,
    damage: undefined,
    anomalies: new Map(),
  };
}

export function reason(code: Reason["code"], details = ""): Reason {
  return { code, ...REASONS[code], details };
}

export function finding(changes: Partial<Finding> = {}): Finding {
  return {
    id: "dns",
    rule: "dns",
    severity: "leak",
    title: "Names are looked up outside of Tor.",
    disclosed: [{ kind: "dns-question", value: "www.example.com" }],
    flows: [
      {
        transport: "udp",
        originator: { address: "192.0.2.10", port: 40_000 },
        responder: { address: "2001:db8::53", port: 53 },
      },
    ],
    flowCount: 2,
    packets: 4,
    bytes: 400,
    first: AT,
    last: AT,
    process: undefined,
    proof: [3, 4],
    remedy: "Use Tor.",
    ...changes,
  };
}

const process = {
  pid: 1234,
  name: HOSTILE,
  commandLine: HOSTILE,
  uid: 1000,
  user: HOSTILE,
  unit: HOSTILE,
  container: undefined,
  networkNamespace: undefined,
};

/** Wherever a stranger, or whoever named a file, can put text, there is hostile text. */
export const HOSTILE_REPORT: AuditReport = {
  ...CLEAN,
  verdict: "leak",
  reasons: [reason("capture-damaged", HOSTILE), reason("drops-unknown")],
  policy: { ...DEFAULT_POLICY, name: HOSTILE, severities: new Map([["ntp", "note"]]) },
  findings: [
    finding({ id: `dns/${HOSTILE}`, process, disclosed: [{ kind: "user-agent", value: HOSTILE }] }),
    finding({ id: "inbound", rule: "inbound", title: "Somebody came in." }),
    finding({ id: "inbound", rule: "inbound", severity: "note", title: "Somebody tried to." }),
    finding({ id: "tor-unlisted", rule: "tor-unlisted", severity: "warning", disclosed: [] }),
  ],
  exceptions: [{ because: HOSTILE, flows: 1, packets: 2, bytes: 300 }],
  analysis: { ...CLEAN.analysis, sources: [source(HOSTILE), source("-"), source("eth0", "live")] },
};

export const INCONCLUSIVE: AuditReport = {
  ...CLEAN,
  verdict: "inconclusive",
  reasons: [reason("drops-unknown"), reason("no-consensus", "None reaches 2026-11-22T10:00:00Z.")],
  findings: [finding({ rule: "ntp", id: "ntp", severity: "warning" })],
};

export const LEAK: AuditReport = { ...CLEAN, verdict: "leak", findings: [finding()] };
