/** The configuration files of the private network. Options are explained in tor(1). */

import { CLIENT_PORTS, ONION_SITE, RELAYS } from "./plan.mjs";

/**
 * What is the same in every torrc of one network.
 *
 * @typedef {object} NetworkSettings
 * @property {readonly string[]} authorityLines - `DirAuthority ...`, one for each authority.
 * @property {number} consensusIntervalSeconds - A consensus is fresh for one interval and valid for three.
 * @property {number} firstVoteSeconds - When the first consensus is due, counted from the start of the relays.
 * @property {number} votingStartOffsetSeconds - Where in the interval the voting falls.
 * @property {string} resolverFile - resolv.conf that names the private DNS server, for exits.
 */

/** As on the public network, where documents are fresh for one hour and valid for three. */
const INTERVALS_VALID = 3;

/**
 * @param {NetworkSettings} network
 * @param {string} dataDirectory
 * @returns {string[]}
 */
function commonLines(network, dataDirectory) {
  const interval = network.consensusIntervalSeconds;
  return [
    `DataDirectory ${dataDirectory}`,
    "Log notice stdout",
    "SafeLogging 0",
    // tor ends itself when this process is gone: nothing remains even after SIGKILL.
    `__OwningControllerProcess ${process.pid}`,
    "ShutdownWaitLength 0",
    "TestingTorNetwork 1",
    "AssumeReachable 1",
    "PathsNeededToBuildCircuits 0.25",
    ...network.authorityLines,
    `V3AuthVotingInterval ${interval}`,
    `V3AuthNIntervalsValid ${INTERVALS_VALID}`,
    "V3AuthVoteDelay 4",
    "V3AuthDistDelay 4",
    // The same interval from the first vote on. The usual short one for the start would make a first document
    // that may lack relays; instead the offset puts the first vote to when all relays have registered.
    `TestingV3AuthInitialVotingInterval ${interval}`,
    `TestingV3AuthVotingStartOffset ${network.votingStartOffsetSeconds}`,
    "TestingV3AuthInitialVoteDelay 2",
    "TestingV3AuthInitialDistDelay 2",
  ];
}

/**
 * @param {NetworkSettings} network
 * @param {string} dataDirectory
 * @param {import("./plan.mjs").RelayPlan} relay
 */
export function relayTorrc(network, dataDirectory, relay) {
  const lines = [
    ...commonLines(network, dataDirectory),
    `Nickname ${relay.nickname}`,
    `Address ${relay.address}`,
    `OutboundBindAddress ${relay.address}`,
    `ORPort ${relay.address}:${relay.orPort}`,
    "SocksPort 0",
    "ContactInfo nobody@example.com",
    ...addressFamilyLines(relay),
    ...(relay.dirPort ? [`DirPort ${relay.address}:${relay.dirPort}`] : []),
    ...(relay.roles.includes("exit") ? exitLines(network) : ["ExitRelay 0"]),
    ...(relay.roles.includes("authority") ? AUTHORITY_LINES : []),
    ...(relay.roles.includes("bridge") ? BRIDGE_LINES : earlyStarterLines(network)),
  ];
  return text(lines);
}

const BRIDGE_LINES = ["BridgeRelay 1", "PublishServerDescriptor 0", "BridgeDistribution none"];

/**
 * For those that start before the first vote.
 *
 * @param {NetworkSettings} network
 */
function earlyStarterLines({ firstVoteSeconds }) {
  // Who asked before there is a consensus would wait ever longer between its further attempts.
  return [`TestingServerConsensusDownloadInitialDelay ${firstVoteSeconds + 1}`];
}

/** @param {import("./plan.mjs").RelayPlan} relay */
function addressFamilyLines({ ipv6 }) {
  if (!ipv6) return ["AddressDisableIPv6 1"];
  return [`ORPort [${ipv6.address}]:${ipv6.orPort}`, `OutboundBindAddress [${ipv6.address}]`];
}

/** @param {NetworkSettings} network */
function exitLines(network) {
  return [
    "ExitRelay 1",
    "IPv6Exit 1",
    "ExitPolicyRejectPrivate 0",
    "ExitPolicy accept *:*",
    `ServerDNSResolvConfFile ${network.resolverFile}`,
    // Otherwise exits look up made-up and well-known names to test their resolver.
    "ServerDNSDetectHijacking 0",
    'ServerDNSTestAddresses ""',
  ];
}

/** With the port, because two relays may share an address. @param {"guard" | "exit"} role */
function patternsOf(role) {
  const relays = RELAYS.filter((relay) => relay.roles.includes(role));
  return relays.map(({ address, orPort }) => `${address}:${orPort}`).join(",");
}

const AUTHORITY_LINES = [
  "AuthoritativeDirectory 1",
  "V3AuthoritativeDirectory 1",
  // Without this they never list an IPv6 OR port.
  "AuthDirHasIPv6Connectivity 1",
  // Flags are given by decree: there is no time to earn them.
  `TestingDirAuthVoteGuard ${patternsOf("guard")}`,
  "TestingDirAuthVoteGuardIsStrict 1",
  // Otherwise only the older half are called stable, by seconds, and clients take no other guards.
  "AuthDirVoteStableGuaranteeMinUptime 0 seconds",
  "TestingDirAuthVoteHSDir *",
  `TestingDirAuthVoteExit ${patternsOf("exit")}`,
  "TestingMinExitFlagThreshold 0",
  // An onion service then publishes 4 copies of its descriptor, not 16: most of what a short capture would hold.
  "ConsensusParams hsdir_n_replicas=1 hsdir_spread_fetch=2 hsdir_spread_store=2",
];

/**
 * @param {NetworkSettings} network
 * @param {string} dataDirectory
 * @param {{ onionDirectory?: string | undefined, extraLines?: readonly string[] }} options
 */
export function clientTorrc(network, dataDirectory, { onionDirectory, extraLines = [] }) {
  const lines = [
    ...commonLines(network, dataDirectory),
    `SocksPort 127.0.0.1:${CLIENT_PORTS.socks}`,
    `ControlPort 127.0.0.1:${CLIENT_PORTS.control}`,
    "CookieAuthentication 1",
    // All guards of this network are in use at once, so that each capture shows several OR ports.
    "NumEntryGuards 3",
    ...(onionDirectory ? onionLines(onionDirectory) : []),
    ...extraLines,
  ];
  return text(lines);
}

/** @param {string} directory */
function onionLines(directory) {
  return [
    `HiddenServiceDir ${directory}`,
    `HiddenServicePort 80 ${ONION_SITE.address}:${ONION_SITE.port}`,
    // Tells when the service has been published.
    "Log [rend]info stdout",
  ];
}

/** @param {readonly string[]} lines */
function text(lines) {
  return `${lines.join("\n")}\n`;
}
