import { type Endpoint, parseAddress } from "../net/index.js";
import { readLocalAddresses } from "./local-addresses.js";
import { NetworkNamespaces } from "./network-namespaces.js";
import { isUnspecified, readSocketTable, type Socket } from "./socket-table.js";

/** A flow, as the machine at its local end sees it. */
export interface ProcessQuery {
  /** `tcp` or `udp`; of other protocols no process is ever known. */
  readonly transport: string;
  readonly local: Endpoint;
  readonly remote: Endpoint;
}

/** The sockets that a flow can belong to. */
export interface FoundSockets {
  /** Whether both ends are those of the flow. There is one such socket at most. */
  readonly exact: boolean;
  /** Several where they share the local port (SO_REUSEPORT). */
  readonly inodes: readonly number[];
  /** The inode of their network namespace, when that is not leek's own. */
  readonly networkNamespace: number | undefined;
}

/** procfs files with the sockets of a transport. */
const TABLES: ReadonlyMap<string, readonly string[]> = new Map([
  ["tcp", ["tcp", "tcp6"]],
  ["udp", ["udp", "udp6"]],
]);
/** Sockets that share a port: a server has one for each core. */
const MAX_SHARED = 256;

/** Finds the sockets of flows through /proc, in this network namespace first, then in others that may be read. */
export class SocketFinder {
  readonly #proc: string;
  readonly #namespaces: NetworkNamespaces;

  /** @param now - Milliseconds of a clock that never goes back. */
  constructor(proc: string, now: () => number) {
    this.#proc = proc;
    this.#namespaces = new NetworkNamespaces(proc, now);
  }

  /** The sockets of each flow, in their order; undefined where there are none, or two namespaces have some. */
  find(queries: readonly ProcessQuery[]): (FoundSockets | undefined)[] {
    const own = new NamespaceSockets(`${this.#proc}/self/net`, undefined, queries);
    const found = queries.map((query) => own.find(query));
    const open = queries.flatMap((query, i) => (found[i]?.exact !== true && !own.holdsEnd(query) ? [i] : []));
    if (open.length === 0) return found;
    const elsewhere = new Map<number, FoundSockets[]>();
    for (const { folder, inode } of this.#namespaces.list()) {
      const sockets = new NamespaceSockets(folder, inode, queries);
      for (const i of open) {
        const match = sockets.find(queries[i]!);
        if (match !== undefined) elsewhere.set(i, [...(elsewhere.get(i) ?? []), match]);
      }
    }
    for (const [i, matches] of elsewhere) {
      const exact = matches.filter((match) => match.exact);
      const best = exact.length > 0 ? exact : [...(found[i] === undefined ? [] : [found[i]]), ...matches];
      // Containers may have the same addresses: then nothing tells whose the flow is.
      found[i] = best.length === 1 ? best[0] : undefined;
    }
    return found;
  }
}

function isLoopback({ address }: Endpoint): boolean {
  return address.startsWith("127.") || address === "::1";
}

/** The sockets of one network namespace, read when they are first asked for. */
class NamespaceSockets {
  readonly #folder: string;
  readonly #inode: number | undefined;
  readonly #queries: readonly ProcessQuery[];
  /** By transport and local port. */
  readonly #sockets = new Map<string, ReadonlyMap<number, readonly Socket[]>>();
  #addresses: ReadonlySet<string> | undefined;

  /** @param queries - All that will be asked. */
  constructor(folder: string, inode: number | undefined, queries: readonly ProcessQuery[]) {
    this.#folder = folder;
    this.#inode = inode;
    this.#queries = queries;
  }

  /** The socket with both ends, else those that take what comes to the local end, however many share it. */
  find(query: ProcessQuery): FoundSockets | undefined {
    const { local, remote } = query;
    // Whoever has no address yet (DHCP) may be any machine of the network.
    if (local.port === undefined || isUnspecified(local)) return undefined;
    let best = 0;
    let inodes: number[] = [];
    for (const socket of this.#byPort(query.transport).get(local.port) ?? []) {
      const fit = fitOf(socket, local, remote);
      if (fit === 0 || fit < best || (isWildcard(fit) && !this.#hasAddress(local))) continue;
      if (fit > best) inodes = [];
      best = fit;
      if (inodes.length < MAX_SHARED) inodes.push(socket.inode);
    }
    return best === 0 ? undefined : { exact: best === EXACT, inodes, networkNamespace: this.#inode };
  }

  /** Whether the local end is here, so that no other namespace can have the socket; or nobody has one. */
  holdsEnd({ transport, local }: ProcessQuery): boolean {
    return !TABLES.has(transport) || this.#hasAddress(local);
  }

  #byPort(transport: string): ReadonlyMap<number, readonly Socket[]> {
    const known = this.#sockets.get(transport);
    if (known !== undefined) return known;
    const ports = new Set(
      this.#queries.flatMap(({ transport: other, local }) => (other === transport ? (local.port ?? []) : [])),
    );
    const sockets = new Map<number, Socket[]>();
    for (const file of TABLES.get(transport) ?? []) {
      for (const socket of readSocketTable(`${this.#folder}/${file}`, ports)) {
        const port = socket.local.port!;
        const others = sockets.get(port);
        if (others === undefined) sockets.set(port, [socket]);
        else others.push(socket);
      }
    }
    this.#sockets.set(transport, sockets);
    return sockets;
  }

  /** A socket for any address takes packets to those of its namespace only, and not what is just passing by. */
  #hasAddress({ address }: Endpoint): boolean {
    if (isLoopback({ address, port: undefined })) return true;
    this.#addresses ??= readLocalAddresses(this.#folder);
    return this.#addresses.has(address);
  }
}

// How well a socket fits a flow, in the order in which the kernel chooses among sockets.
const EXACT = 4;
const OWN_ADDRESS = 3;
const ANY_ADDRESS = 2;
const ANY_ADDRESS_OF_BOTH_VERSIONS = 1;

function fitOf(socket: Socket, local: Endpoint, remote: Endpoint): number {
  // Nobody holds a socket without an inode: TIME_WAIT and the like.
  if (socket.inode === 0) return 0;
  const ownAddress = socket.local.address === local.address;
  if (ownAddress && sameEndpoint(socket.remote, remote)) return EXACT;
  const takesAll = socket.remote.port === 0 && isUnspecified(socket.remote);
  if (!takesAll) return 0;
  if (ownAddress) return OWN_ADDRESS;
  if (!isUnspecified(socket.local)) return 0;
  const isIpv6 = socket.local.address === "::";
  if (isIpv6 === (parseAddress(local.address)?.version === 6)) return ANY_ADDRESS;
  return isIpv6 ? ANY_ADDRESS_OF_BOTH_VERSIONS : 0;
}

function isWildcard(fit: number): boolean {
  return fit === ANY_ADDRESS || fit === ANY_ADDRESS_OF_BOTH_VERSIONS;
}

function sameEndpoint(left: Endpoint, right: Endpoint): boolean {
  return left.address === right.address && left.port === right.port;
}
