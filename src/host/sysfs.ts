import { readdirSync } from "node:fs";
import { LinkType } from "../base/index.js";
import { type DeviceCounters, parseDevices } from "./device-counters.js";
import { readText } from "./read-text.js";

/** What /sys tells of an interface. */
export interface SysfsInterface {
  readonly index: number | undefined;
  readonly mac: string | undefined;
  readonly up: boolean;
  readonly running: boolean | undefined;
  readonly loopback: boolean;
  readonly mtu: number | undefined;
  readonly linkType: number | undefined;
}

const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;
/** As the kernel's IFF_RUNNING has it; what cannot tell, as loopback and many tunnels, says "unknown" (RFC 2863). */
const RUNNING_STATES: ReadonlySet<string> = new Set(["up", "unknown"]);
const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/;
const NO_MAC = "00:00:00:00:00:00";
const ATTEMPTS = 3;

/** ARPHRD_ numbers (linux/if_arp.h) and what libpcap makes of them: map_arphrd_to_dlt() and setup_socket(). */
const LINK_TYPE_OF_HARDWARE: ReadonlyMap<number, number> = new Map([
  [1, LinkType.EN10MB],
  [772, LinkType.EN10MB],
  [801, LinkType.IEEE802_11],
  [803, LinkType.IEEE802_11_RADIO],
  // IPIP and SIT tunnels, and what has no link layer at all (TUN, WireGuard).
  [768, LinkType.RAW],
  [776, LinkType.RAW],
  [0xfffe, LinkType.RAW],
  // PPP; and types that libpcap has no link type for, so that it takes cooked packets: InfiniBand, raw IP of modems,
  // IPv6 and GRE tunnels.
  [512, LinkType.LINUX_SLL],
  [32, LinkType.LINUX_SLL],
  [519, LinkType.LINUX_SLL],
  [769, LinkType.LINUX_SLL],
  [778, LinkType.LINUX_SLL],
  [823, LinkType.LINUX_SLL],
]);

/**
 * Reads /sys/class/net. It shows the network namespace of whoever mounted it, which need not be the one that leek runs
 * in (nsenter, unshare -n). So its interfaces must be those of `readDevices`, and their counters must lie between two
 * looks at those there.
 *
 * @param folder - /sys/class/net.
 * @param readDevices - Reads /proc/net/dev, which is always of leek's own namespace.
 * @returns Nothing when it is of another namespace.
 */
export function readSysfs(folder: string, readDevices: () => string | undefined): ReadonlyMap<string, SysfsInterface> {
  // Interfaces can come and go between the looks.
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = parseDevices(readDevices() ?? "");
    const names = interfaceNames(folder);
    const counters = new Map(names.map((name) => [name, readCounters(`${folder}/${name}/statistics`)]));
    const interfaces = new Map(names.map((name) => [name, readInterface(`${folder}/${name}`)]));
    if (isBetween(counters, before, parseDevices(readDevices() ?? ""))) return interfaces;
  }
  return new Map();
}

function isBetween(
  counters: ReadonlyMap<string, DeviceCounters | undefined>,
  before: ReadonlyMap<string, DeviceCounters>,
  after: ReadonlyMap<string, DeviceCounters>,
): boolean {
  if (counters.size !== before.size || counters.size !== after.size) return false;
  return [...counters].every(([name, here]) => {
    const low = before.get(name);
    const high = after.get(name);
    if (here === undefined || low === undefined || high === undefined) return false;
    const fits = (field: keyof DeviceCounters) => low[field] <= here[field] && here[field] <= high[field];
    return fits("received") && fits("sent");
  });
}

/** Beside interfaces the folder can have files, as `bonding_masters`. */
function interfaceNames(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => readText(`${folder}/${name}/ifindex`) !== undefined);
  } catch {
    return [];
  }
}

function readCounters(folder: string): DeviceCounters | undefined {
  const received = wholeNumber(readText(`${folder}/rx_bytes`));
  const sent = wholeNumber(readText(`${folder}/tx_bytes`));
  return received === undefined || sent === undefined ? undefined : { received, sent };
}

function readInterface(folder: string): SysfsInterface {
  const read = (file: string) => readText(`${folder}/${file}`)?.trim();
  const flags = Number.parseInt(/^0x[0-9a-f]{1,8}$/.exec(read("flags") ?? "")?.[0] ?? "0", 16);
  const up = (flags & IFF_UP) !== 0;
  const state = read("operstate");
  const address = read("address") ?? "";
  // Of a switch chip, whose frames carry a tag that libpcap has link types of its own for.
  const tagging = read("dsa/tagging") ?? "none";
  return {
    index: wholeNumber(read("ifindex")),
    mac: MAC.test(address) && address !== NO_MAC ? address : undefined,
    up,
    running: state === undefined ? undefined : up && RUNNING_STATES.has(state),
    loopback: (flags & IFF_LOOPBACK) !== 0,
    mtu: wholeNumber(read("mtu")),
    linkType: tagging === "none" ? LINK_TYPE_OF_HARDWARE.get(wholeNumber(read("type")) ?? -1) : undefined,
  };
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,20}\s*$/.test(text) ? Number(text) : undefined;
}
