import { describe, expect, it } from "vitest";
import { NamePseudonyms, redactDocument } from "../../../src/audit/evidence/index.js";

/** Another address that shows which one it was. */
const names = () =>
  new NamePseudonyms((address) =>
    address.version === 4 ? { ...address, d: address.d ^ 0x01000000 } : { ...address, d: 7 },
  );

const DOCUMENT = {
  schema: "leek/audit@1",
  verdict: "leak",
  reasons: [
    { code: "drops-unknown", text: "Nothing says.", details: "", remedy: "Say --drops 0." },
    { code: "upstream-loss", text: "Lost.", details: "12 bytes in 3 places.", remedy: "Again." },
    {
      code: "no-consensus",
      text: "None.",
      details: "None reaches 2026-11-23T10:00:00Z to 2026-11-23T11:00:00Z.",
      remedy: "Import.",
    },
    { code: "addresses-unnamed", text: "IPv6.", details: "2 flows; the node is 192.0.2.10.", remedy: "Name it." },
  ],
  node: { addresses: ["192.0.2.10", "192.0.2.0/24", "2001:db8::5"], inferred: false },
  policy: { name: "/home/alice/policy.yaml", severities: { dns: "warning" }, exceptions: 1 },
  findings: [
    {
      id: "dns/alice-wallet",
      rule: "dns",
      title: "Names of 192.0.2.10 are looked up.",
      disclosed: [
        { kind: "dns-question", value: "Shop.Example" },
        { kind: "dns-answer", value: "shop.example -> 192.0.2.80" },
        { kind: "onion-name", value: "abcdef.onion" },
        { kind: "http-host", value: "shop.example:8080" },
        { kind: "peer-address", value: "192.0.2.81:8333" },
        { kind: "user-agent", value: "/Alice:1.0/" },
      ],
      flows: [
        {
          transport: "udp",
          originator: { address: "192.0.2.10", port: 4 },
          responder: { address: "192.0.2.53", port: 53 },
        },
      ],
      process: { pid: 1, user: "alice", commandLine: ["alice-wallet"] },
      packets: 3,
    },
  ],
  exceptions: [{ because: "alice said so", flows: 1 }],
  coverage: { sources: ["/home/alice/node.pcap"], consensuses: [{ source: "/home/alice/consensus", flavor: "ns" }] },
  classes: { tor: { disclosed: [{ kind: "proxy-target", values: ["shop.example:443"] }] } },
  surprise: "alice",
};

describe("a redacted document", () => {
  const redacted = JSON.parse(JSON.stringify(redactDocument(DOCUMENT, names())));

  it("says nothing that the capture, the user or the machine said", () => {
    const text = JSON.stringify(redacted).toLowerCase();
    for (const secret of ["192.0.2", "db8::5", "shop", "abcdef", "alice", "wallet", "node.pcap"]) {
      expect(text).not.toContain(secret);
    }
  });

  it("calls the same the same everywhere", () => {
    const [finding] = redacted.findings;
    expect(finding.disclosed.map(({ value }: { readonly value: string }) => value)).toEqual([
      "name-1.invalid",
      "name-1.invalid -> 193.0.2.80",
      "onion-1.onion",
      "name-1.invalid:8080",
      "193.0.2.81:8333",
      "redacted-2",
    ]);
    expect(redacted.classes.tor.disclosed[0].values).toEqual(["name-1.invalid:443"]);
    expect(finding.flows[0].originator).toEqual({ address: "193.0.2.10", port: 4 });
    expect(finding.title).toBe("Names of 193.0.2.10 are looked up.");
    expect(redacted.node.addresses).toEqual(["193.0.2.10", "193.0.2.0", "2001:db8::7"]);
  });

  it("keeps what is leek's own: rules, verdict, numbers, and reasons without names", () => {
    expect(redacted).toMatchObject({ schema: "leek/audit@1", verdict: "leak" });
    expect(redacted.policy.severities).toEqual({ dns: "warning" });
    expect(redacted.findings[0]).toMatchObject({ id: "dns", rule: "dns", packets: 3, process: null });
    expect(redacted.reasons.map(({ details }: { readonly details: string }) => details)).toEqual([
      "",
      "12 bytes in 3 places.",
      "None reaches 2026-11-23T10:00:00Z to 2026-11-23T11:00:00Z.",
      "",
    ]);
  });
});
