import { PRESETS, type PresetName, type SectionKey } from "./presets.js";

interface Section {
  readonly key: SectionKey;
  /** Lines of a comment. */
  readonly about: readonly string[];
  /** Lines of YAML, the first with the key alone; what follows can stand below a preset's own lines. */
  readonly example: readonly string[];
}

const HEADER = [
  "A policy of leek audit: what is expected of a node. Use it with: leek audit CAPTURE --policy FILE",
  "All keys may be left out. Examples have no blank between # and key: take the # away to use them.",
  "docs/schemas/audit-policy.json describes all keys.",
];

const SECTIONS: readonly Section[] = [
  {
    key: "node",
    about: ["The node's addresses, or ADDR/LENGTH; those of IPv6 too. Without: inferred, or the interfaces' own."],
    example: ["node:", "  - 192.0.2.10", "  - 2001:db8::10"],
  },
  {
    key: "role",
    about: ["What the node is to Tor: client, bridge, relay or exit. Without: client."],
    example: ["role: client"],
  },
  {
    key: "bridges",
    about: ["Bridges that the node uses, as their lines stand in torrc: no list has them."],
    example: [
      "bridges:",
      "  - 198.51.100.7:9443",
      "  - obfs4 203.0.113.9:443 0123456789ABCDEF0123456789ABCDEF01234567",
    ],
  },
  {
    key: "authorities",
    about: ["Directory authorities of a private Tor network, as their lines stand in torrc."],
    example: [
      "authorities:",
      "  - auth1 orport=5000 v3ident=0123456789ABCDEF0123456789ABCDEF01234567 198.51.100.11:7000 89ABCDEF0123456789ABCDEF0123456789ABCDEF",
    ],
  },
  {
    key: "allow",
    about: [
      "What may go around Tor. Of an entry all conditions must fit, of a list one item. Used ones are told with their counts.",
      "to: ADDR or ADDR/LENGTH of the other end      port: of the other end, 443 or 1000-2000",
      "protocol: tcp, udp, icmp, dns, ntp, ...       name: host.example, or .example for all below it",
      "process: its name, systemd unit or container  from, until: when the flow begins, in UTC",
      "because: the reason, without which there is no exception",
      "Names come from the capture: whoever can write packets can write them. Addresses are safer.",
    ],
    example: [
      "allow:",
      "  - to: 192.0.2.123",
      "    port: 123",
      "    protocol: ntp",
      "    because: The clock is set before Tor runs.",
      "  - name: .debian.org",
      "    port: [80, 443]",
      "    from: 2026-11-22 03:00",
      "    until: 2026-11-22 04:00",
      "    because: Updates on Sunday night, until apt-transport-tor is set up.",
    ],
  },
  {
    key: "severity",
    about: ["What a rule's findings are: leak (decides the verdict), warning or note. Told in each report."],
    example: ["severity:", "  ipv6: leak", "  tor-unlisted: warning"],
  },
  {
    key: "thresholds",
    about: ["Inconclusive when the capture is shorter; and how soon after Tor's end a leak is a fail-open."],
    example: ["thresholds:", "  minDuration: 10m", "  failOpen: 30s"],
  },
  {
    key: "expect",
    about: [
      "Whether traffic over Tor must be seen (true), and what flows of the node that do not leave the site may speak;",
      "what leaves it is judged anyway.",
    ],
    example: ["expect:", "  tor: true", "  applications: [socks5, http, dhcp, icmp]"],
  },
];

/**
 * A policy to start from: with comments, and with an example of each key that is not set. It is what the preset is: read
 * as a policy, it gives the preset's.
 *
 * @param preset - Undefined: sets nothing.
 */
export function starterPolicy(preset?: PresetName): string {
  const { about, sections } = preset === undefined ? { about: [], sections: {} } : PRESETS[preset];
  const parts = [
    [...comment(HEADER), ...(preset === undefined ? [] : ["#", ...comment([`Preset ${preset}:`, ...about])])],
    ["version: 1"],
    ...SECTIONS.map(({ key, about: meaning, example }) => {
      const set: readonly string[] | undefined = sections[key];
      const shown = set === undefined ? example : example.slice(1);
      return [...comment(meaning), ...(set ?? []), ...shown.map((line) => `#${line}`)];
    }),
  ];
  return `${parts.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function comment(lines: readonly string[]): string[] {
  return lines.map((line) => `# ${line}`);
}
