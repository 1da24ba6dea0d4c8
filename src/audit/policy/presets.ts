export const PRESET_NAMES = ["bitcoin-onion-only", "bitcoin-over-tor", "workstation", "relay"] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

export type SectionKey = "node" | "role" | "bridges" | "authorities" | "allow" | "severity" | "thresholds" | "expect";

/** What a preset sets; all else is as without one. */
export interface Preset {
  /** Who it is for; lines. */
  readonly about: readonly string[];
  /** YAML: key, value and the reasons, as lines. */
  readonly sections: Partial<Record<SectionKey, readonly string[]>>;
}

/**
 * No preset makes a leak of something less, or allows anything that leaves the machine: who wants that has to say so, and
 * why, in a policy of their own.
 */
export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  "bitcoin-onion-only": {
    about: [
      "A Bitcoin node that talks to onion peers only (onlynet=onion), and is reached by its onion name alone.",
      "All that goes around Tor is a leak, and nothing is to be reached through exits either.",
    ],
    sections: {
      severity: [
        "severity:",
        "  # With onlynet=onion the node asks tor for names of onion services, never for bare addresses.",
        "  socks-address: warning",
        "  # A door in the router leads around Tor, to the node's own address.",
        "  port-mapping: leak",
        "  # What names the node on the LAN tells whoever is there what runs on it.",
        "  lan-announcement: warning",
      ],
    },
  },
  "bitcoin-over-tor": {
    about: [
      "A Bitcoin node that talks to onion peers, and to clearnet peers through exits (proxy=127.0.0.1:9050).",
      "It asks tor for the addresses of those peers, which elsewhere may mean that a name was looked up in the clear.",
    ],
    sections: {
      allow: [
        "allow:",
        "  # Only what is asked of a proxy on this machine itself: what leaves it is judged as always.",
        '  - to: [127.0.0.0/8, "::1"]',
        "    protocol: socks5",
        "    because: Clearnet peers are reached through exits, and tor is asked for them by address.",
      ],
      severity: [
        "severity:",
        "  # A door in the router leads around Tor, to the node's own address.",
        "  port-mapping: leak",
      ],
    },
  },
  workstation: {
    about: [
      "A desktop or laptop whose programs all go through Tor: Tails, Whonix, or one whose firewall lets only tor out.",
      "Programs that look names up themselves, and what gives the machine away to the networks it visits, are warnings.",
    ],
    sections: {
      severity: [
        "severity:",
        "  # Browsers and mail programs know names: one that asks tor for an address has looked its name up somewhere.",
        "  socks-address: warning",
        "  # It carries its owner's name into each network.",
        "  lan-announcement: warning",
        "  # A door in the router leads around Tor, to the machine's own address.",
        "  port-mapping: leak",
      ],
    },
  },
  relay: {
    about: [
      "A relay that is no exit: it links to other relays, is linked to, and may fetch documents from directory ports.",
      "All else that its machine does in the clear (time, updates, names) is told, and is to be allowed here, with the reason.",
    ],
    sections: { role: ["role: relay"] },
  },
};
