import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { ipv4DefaultRoute, ipv6DefaultRoute } from "./default-routes.js";
import { parseDevices } from "./device-counters.js";
import { readText } from "./read-text.js";
import { readSysfs, type SysfsInterface } from "./sysfs.js";

/** An interface of this machine, or of the network namespace that leek runs in. Undefined is what is not known. */
export interface HostInterface {
  readonly name: string;
  readonly index: number | undefined;
  /** None of an interface that is not running: the system does not tell them. */
  readonly addresses: readonly InterfaceAddress[];
  readonly mac: string | undefined;
  /** Set up by the administrator, which says nothing of a cable. */
  readonly up: boolean | undefined;
  /** Whether it can carry packets: a cable, a partner, an access point. */
  readonly running: boolean | undefined;
  readonly loopback: boolean;
  /** Bytes. */
  readonly mtu: number | undefined;
  /** LINKTYPE_ number that captures from it have. */
  readonly linkType: number | undefined;
  /** The IP versions whose default route leads over it. */
  readonly defaultRoute: readonly (4 | 6)[];
}

export interface InterfaceAddress {
  readonly address: string;
  readonly prefixLength: number | undefined;
  readonly family: 4 | 6;
}

/** Where Linux tells of interfaces. */
const SYSFS = "/sys/class/net";
const PROC_NET = "/proc/net";
/** Routers of providers have a million routes, of 128 bytes each. */
const MAX_LIST_BYTES = 1 << 27;
const NO_MAC = "00:00:00:00:00:00";

type Addresses = Readonly<NodeJS.Dict<readonly NetworkInterfaceInfo[]>>;

/** The interfaces of this machine, in the order of the system. Nothing is sent to learn it. */
export function listInterfaces(): HostInterface[] {
  const addresses: Addresses = networkInterfaces();
  const readDevices = () => readText(`${PROC_NET}/dev`, MAX_LIST_BYTES);
  const devices = readDevices();
  if (devices === undefined) return describe(Object.keys(addresses), addresses, new Map(), {});
  const routes = {
    ipv4: ipv4DefaultRoute(readText(`${PROC_NET}/route`, MAX_LIST_BYTES) ?? ""),
    ipv6: ipv6DefaultRoute(readText(`${PROC_NET}/ipv6_route`, MAX_LIST_BYTES) ?? ""),
  };
  return describe([...parseDevices(devices).keys()], addresses, readSysfs(SYSFS, readDevices), routes);
}

function describe(
  names: readonly string[],
  addresses: Addresses,
  sysfs: ReadonlyMap<string, SysfsInterface>,
  routes: { readonly ipv4?: string | undefined; readonly ipv6?: string | undefined },
): HostInterface[] {
  return names.map((name) => {
    const own = addressesOf(name, names, addresses);
    const hardware = sysfs.get(name);
    const mac = hardware === undefined ? own[0]?.mac : hardware.mac;
    const defaultRoute: (4 | 6)[] = [];
    if (routes.ipv4 === name) defaultRoute.push(4);
    if (routes.ipv6 === name) defaultRoute.push(6);
    return {
      name,
      index: hardware?.index,
      addresses: own.map(({ address, cidr, family }) => ({
        address,
        prefixLength: prefixLength(cidr),
        family: family === "IPv4" ? 4 : 6,
      })),
      mac: mac === NO_MAC ? undefined : mac,
      // Only interfaces that are up and running have addresses to be listed by the system.
      up: hardware?.up ?? (own.length > 0 ? true : undefined),
      running: hardware === undefined ? (own.length > 0 ? true : undefined) : hardware.running,
      loopback: hardware?.loopback ?? own[0]?.internal ?? false,
      mtu: hardware?.mtu,
      linkType: hardware?.linkType,
      defaultRoute,
    };
  });
}

/** Addresses with labels (`ip address add ... label eth0:1`) are listed under these, as if they were interfaces. */
function addressesOf(name: string, names: readonly string[], addresses: Addresses): NetworkInterfaceInfo[] {
  return Object.entries(addresses).flatMap(([label, own = []]) => {
    const owner = names.includes(label) ? label : label.split(":")[0];
    return owner === name ? own : [];
  });
}

function prefixLength(cidr: string | null): number | undefined {
  const length = /\/(\d{1,3})$/.exec(cidr ?? "")?.[1];
  return length === undefined ? undefined : Number(length);
}
