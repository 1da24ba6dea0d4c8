// The programs that read captures too, each doing as little as it can be told to.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/**
 * @typedef {object} Peer
 * @property {string} name As printed.
 * @property {string} program Looked for on the PATH.
 * @property {string} package_ Where it comes from.
 * @property {(capture: string) => string[]} args
 * @property {boolean} [isSlow] Takes a minute: measured once, and only when asked for.
 */

/** @type {readonly Peer[]} */
export const PEERS = [
  { name: "cat", program: "cat", package_: "coreutils", args: (capture) => [capture] },
  { name: "capinfos -c", program: "capinfos", package_: "wireshark-common", args: (capture) => ["-c", capture] },
  {
    name: "tcpdump -r -w /dev/null",
    program: "tcpdump",
    package_: "tcpdump",
    args: (capture) => ["-r", capture, "-w", "/dev/null"],
  },
  { name: "tcpdump -n -r", program: "tcpdump", package_: "tcpdump", args: (capture) => ["-n", "-r", capture] },
  // Flow records to the current folder, which the harness throws away.
  { name: "nfpcapd", program: "nfpcapd", package_: "nfdump", args: (capture) => ["-r", capture, "-w", "."] },
  // Sleeps for a second at the end of every run.
  { name: "argus", program: "argus", package_: "argus-server", args: (capture) => ["-r", capture, "-w", "/dev/null"] },
  { name: "softflowd", program: "softflowd", package_: "softflowd", args: (capture) => ["-d", "-r", capture] },
  { name: "ndpiReader", program: "ndpiReader", package_: "libndpi-bin", args: (capture) => ["-q", "-i", capture] },
  {
    name: "pcap-parser (Node.js)",
    program: process.execPath,
    package_: "npm: pcap-parser",
    args: (capture) => ["--no-deprecation", fileURLToPath(new URL("pcap-parser-peer.mjs", import.meta.url)), capture],
  },
  {
    name: "tshark -z conv",
    program: "tshark",
    package_: "tshark",
    args: (capture) => ["-n", "-r", capture, "-q", "-z", "conv,tcp", "-z", "conv,udp"],
    isSlow: true,
  },
];

/** @param {string} program */
export function isInstalled(program) {
  return spawnSync("sh", ["-c", 'command -v "$1"', "sh", program], { stdio: "ignore" }).status === 0;
}
