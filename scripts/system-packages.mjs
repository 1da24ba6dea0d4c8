/** The programs that the tests use, and how they come onto the machine. */

import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { run, SetupError, say } from "./project.mjs";

/** Debian's package of each program. */
const PACKAGE_OF_PROGRAM = {
  busybox: "busybox",
  capinfos: "wireshark-common",
  curl: "curl",
  dig: "bind9-dnsutils",
  "g++": "g++",
  ip: "iproute2",
  make: "make",
  natpmpc: "natpmpc",
  openssl: "openssl",
  ping: "iputils-ping",
  python3: "python3",
  nft: "nftables",
  rdate: "rdate",
  setpriv: "util-linux",
  ssh: "openssh-client",
  strace: "strace",
  stun: "stun-client",
  tcpdump: "tcpdump",
  tcpreplay: "tcpreplay",
  tor: "tor",
  "tor-gencert": "tor",
  tshark: "tshark",
  upnpc: "miniupnpc",
  xz: "xz-utils",
  zstd: "zstd",
};
const LIBPCAP_PACKAGE = "libpcap0.8";
/** What the npm package cap is compiled with; g++, make and python3 are for it, too. */
const LIBPCAP_HEADERS = { file: "/usr/include/pcap/pcap.h", name: "libpcap-dev" };

/** Debian keeps tor and ip where only root's PATH looks. */
const EXTRA_PATHS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** Where Debian's service scripts ask whether a daemon may be started on install. */
const POLICY = "/usr/sbin/policy-rc.d";

/**
 * Installs what is missing, and puts the folders of system programs on our PATH.
 *
 * @throws {SetupError} naming what is still missing.
 */
export function ensureSystemPackages() {
  const path = (process.env.PATH ?? "").split(delimiter);
  process.env.PATH = [...path, ...EXTRA_PATHS.filter((folder) => !path.includes(folder))].join(delimiter);

  const missing = missingPackages();
  if (missing.length === 0) return;
  const command = `apt-get install ${missing.join(" ")}`;
  if (!isOnPath("apt-get")) {
    throw new SetupError(
      `The tests need programs of these Debian packages: ${missing.join(", ")}. Install them first.`,
    );
  }
  if (process.getuid?.() !== 0) {
    throw new SetupError(`The tests need programs that are not installed. Run as root: ${command}`);
  }
  say(`Installing ${missing.join(", ")} ...`);
  installWithApt(missing);
  const still = missingPackages();
  if (still.length > 0) throw new SetupError(`Installed, but not to be found: ${still.join(", ")}.`);
}

/** @returns {string[]} Debian packages, each once. */
function missingPackages() {
  const missing = new Set();
  for (const [program, name] of Object.entries(PACKAGE_OF_PROGRAM)) if (!isOnPath(program)) missing.add(name);
  if (!hasLibpcap()) missing.add(LIBPCAP_PACKAGE);
  if (!existsSync(LIBPCAP_HEADERS.file)) missing.add(LIBPCAP_HEADERS.name);
  return [...missing];
}

/** @param {readonly string[]} packages */
function installWithApt(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const release = forbidNewServices();
  try {
    twice(() => run("apt-get", ["update", "-qq"], env));
    twice(() => run("apt-get", ["install", "-qq", "-y", "--no-install-recommends", ...packages], env));
  } finally {
    release();
  }
}

/**
 * Debian starts tor as soon as it is installed, and it would join the real Tor network: no test wants that.
 *
 * @returns {() => void} Undoes it.
 */
function forbidNewServices() {
  if (existsSync(POLICY)) return () => {};
  // 101: "action forbidden by policy", see invoke-rc.d(8).
  writeFileSync(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  return () => rmSync(POLICY, { force: true });
}

/**
 * Mirrors fail now and then for a moment.
 *
 * @param {() => void} step
 */
function twice(step) {
  try {
    step();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`${error.message} Trying once more ...`);
    step();
  }
}

/** @param {string} program */
function isOnPath(program) {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** ldconfig knows on any Linux with glibc; elsewhere the usual folders tell. */
function hasLibpcap() {
  const cache = spawnSync("ldconfig", ["-p"], { encoding: "utf8" });
  if (cache.status === 0 && cache.stdout.includes("libpcap.so")) return true;
  return ["/usr/lib", "/usr/local/lib", "/opt/homebrew/lib"].some(
    (folder) => existsSync(folder) && readdirSync(folder).some((name) => /^libpcap\.(so|.*dylib)/.test(name)),
  );
}
