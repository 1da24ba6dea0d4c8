import { join } from "node:path";
import { GATEWAY, NODE } from "../../../scripts/tornet/plan.mjs";
import { FIXTURES } from "../../support/leek.js";
import { type Audited, type AuditLab, NODE_OPTIONS, STRANGER } from "./audit-lab.js";
import { SOCKS } from "./leaks.js";

const WEB_IPV6 = "2001:db8:113::80";

/** One way not to see, or not to be able to judge, what goes around Tor. */
export interface Blindness {
  /** The code of the reason. */
  readonly code: string;
  /** The row's name in docs/audit-tests.md. */
  readonly by: string;
  /** @param quiet - A recording of the node without a leak, which is clean. */
  readonly audit: (lab: AuditLab, quiet: string) => Promise<Audited>;
  /** Reasons that are there too. */
  readonly also?: readonly string[];
  /** Those that depend on the moment: what tor says meanwhile, which packet is lost. */
  readonly perhaps?: readonly string[];
}

const browse = (lab: AuditLab, path = "/") =>
  lab.run("curl", "-s", "-m", "10", "--socks5-hostname", SOCKS, `http://www.example.com${path}`);

export const BLINDNESSES: readonly Blindness[] = [
  {
    code: "packets-dropped",
    by: "a live audit with a kernel buffer of 8 KiB stands still while 20 000 datagrams pass",
    async audit(lab) {
      const audit = await lab.auditLive("-B", "8", "--duration", "3s");
      await browse(lab);
      audit.leek.child.kill("SIGSTOP");
      await lab.say("flood", GATEWAY.address);
      audit.leek.child.kill("SIGCONT");
      return audit.ended();
    },
    // So small a buffer may lose a piece of Tor's connections before it stands still.
    perhaps: ["upstream-loss"],
  },
  {
    code: "drops-unknown",
    by: "a file of tcpdump's, without its closing line",
    audit: async (lab) => lab.audit((await lab.record(() => browse(lab))).file),
  },
  {
    code: "upstream-loss",
    by: "frames of more than 1000 bytes do not reach the recorder",
    audit: async (lab) => lab.audit(await lab.record(() => browse(lab, "/bytes/60000"), ["less", "1000"])),
  },
  {
    code: "capture-damaged",
    by: "a file is cut in its middle",
    audit: (lab, quiet) => lab.audit(lab.cut(quiet)),
    also: ["drops-unknown"],
  },
  {
    code: "undecoded-frames",
    by: "a frame that says IPv4, and is not",
    audit: async (lab) =>
      lab.audit(
        await lab.record(async () => {
          await browse(lab);
          await lab.sendRaw("broken-frame", GATEWAY.address);
        }),
      ),
  },
  {
    code: "snaplen-short",
    by: "tcpdump -s 64",
    audit: async (lab) =>
      lab.audit(
        await lab.record(async () => {
          await browse(lab);
          await lab.say("datagram", GATEWAY.address);
        }, ["-s", "64"]),
      ),
  },
  {
    code: "fragments-lost",
    by: "a fragment without its first one, to the router",
    audit: async (lab) =>
      lab.audit(
        await lab.record(async () => {
          await browse(lab);
          await lab.sendRaw("fragment", GATEWAY.address);
        }),
      ),
  },
  {
    code: "too-many-flows",
    by: "300 connections to the router at once, with --payload-memory 1",
    audit: async (lab) =>
      lab.audit(
        await lab.recordWithLeek(async () => {
          await browse(lab);
          await lab.say("crowd", GATEWAY.address);
        }),
        ...["--payload-memory", "1"],
      ),
  },
  {
    code: "no-consensus",
    by: "no document at all",
    audit: (lab, quiet) => lab.auditAs(quiet, ...NODE_OPTIONS, "--no-local-consensus"),
    also: ["no-tor-traffic"],
    // Without documents a link looks like Tor's once enough of it was seen; before, nothing tells what it is.
    perhaps: ["flows-unjudged", "tor-unlisted"],
  },
  {
    code: "no-consensus",
    by: "a verified document of another time",
    audit: (lab, quiet) =>
      lab.auditAs(
        ...[quiet, ...NODE_OPTIONS, "--no-local-consensus", "--consensus", join(FIXTURES, "consensus")],
        ...["--authorities-from", join(FIXTURES, "torrc-authorities")],
      ),
    also: ["no-tor-traffic"],
    // Without documents a link looks like Tor's once enough of it was seen; before, nothing tells what it is.
    perhaps: ["flows-unjudged", "tor-unlisted"],
  },
  {
    code: "unverified-consensus",
    by: "no authorities are trusted",
    audit: (lab, quiet) => lab.auditAs(quiet, ...NODE_OPTIONS, ...lab.documents),
  },
  {
    code: "flows-unjudged",
    by: "a TCP connection to a stranger, and no document",
    audit: async (lab) => {
      const { file } = await lab.record(() => lab.say("text", STRANGER));
      return lab.auditAs(file, "--drops", "0", ...NODE_OPTIONS, "--no-local-consensus");
    },
    also: ["no-consensus", "no-tor-traffic"],
  },
  {
    code: "nothing-seen",
    by: "--node names an address of somebody else",
    audit: (lab, quiet) => lab.auditAs(quiet, ...lab.trust, "--node", "192.0.2.1"),
    also: ["no-tor-traffic"],
  },
  {
    code: "only-loopback",
    by: "a live audit of lo",
    async audit(lab) {
      const audit = await lab.auditLive("-i", "lo");
      await browse(lab);
      return audit.stop();
    },
    also: ["no-tor-traffic", "other-interfaces"],
  },
  {
    code: "tunnel-interface",
    by: "a capture of a tunnel's inside",
    async audit(lab) {
      await lab.tornet.node.run(["ip", "tuntap", "add", "tun9", "mode", "tun"]);
      await lab.tornet.node.run(["ip", "link", "set", "tun9", "up"]);
      const file = await lab.recordWithLeek(() => browse(lab), ["-i", "tun9"]);
      await lab.tornet.node.run(["ip", "link", "del", "tun9"]);
      return lab.audit(file);
    },
    also: ["no-consensus", "no-tor-traffic", "nothing-seen"],
  },
  {
    code: "addresses-unnamed",
    by: "curl over IPv6, and --node names the IPv4 address alone",
    audit: async (lab) => {
      const { file } = await lab.record(async () => {
        await browse(lab);
        await lab.run("curl", "-s", "-m", "5", `http://[${WEB_IPV6}]/`);
      });
      return lab.auditAs(file, "--drops", "0", ...lab.trust, "--node", NODE.address);
    },
  },
  {
    code: "filtered",
    by: "-f tcp",
    audit: (lab, quiet) => lab.audit(quiet, "-f", "tcp"),
  },
  {
    code: "too-short",
    by: "--min-duration 1h",
    audit: (lab, quiet) => lab.audit(quiet, "--min-duration", "1h"),
  },
  {
    code: "exit-unattributed",
    by: "curl, and --role exit",
    audit: async (lab) =>
      lab.audit(
        await lab.record(async () => {
          await browse(lab);
          await lab.run("curl", "-s", "-m", "5", "http://203.0.113.80/");
        }),
        ...["--role", "exit"],
      ),
  },
];
