/**
 * Two network namespaces joined by one cable.
 *
 *     internet                                     node
 *     lo: every relay's and server's address       lo
 *     home0 192.168.50.1  ------------------------ eth0 192.168.50.2, default route .1
 *
 * Neither has a way to the outside: no other interface, no forwarding.
 */

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { GATEWAY, INTERNET_SERVICES, NODE, RELAYS } from "./plan.mjs";
import { run } from "./processes.mjs";

const NAME = /^tornet-(\d+)-(?:internet|node)$/;

/** The pid keeps two runs at the same time apart. @param {"internet" | "node"} part */
export function namespaceName(part) {
  return `tornet-${process.pid}-${part}`;
}

/** Removes the namespaces of runs that were killed before they could clean up. */
export async function removeOrphans() {
  const names = (await run(["ip", "netns", "list"])).split("\n").map((line) => line.split(" ", 1)[0] ?? "");
  for (const name of names) {
    const pid = NAME.exec(name)?.[1];
    if (pid && !existsSync(`/proc/${pid}`)) await new Namespace(name).remove();
  }
}

/** A network namespace made by this script, and the programs in it. */
export class Namespace {
  /** @param {string} name */
  constructor(name) {
    this.name = name;
  }

  async create() {
    await run(["ip", "netns", "add", this.name]);
    await this.run(["ip", "link", "set", "lo", "up"]);
  }

  /** End the programs inside first: the kernel keeps a nameless namespace for as long as one runs in it. */
  async remove() {
    await run(["ip", "netns", "del", this.name]);
  }

  /**
   * Runs a program inside, to its end.
   *
   * @param {readonly string[]} argv
   * @param {Parameters<typeof run>[1]} [options]
   */
  run(argv, options) {
    return run(this.#inside(argv), options);
  }

  /**
   * Starts a program inside. `ip netns exec` becomes that program, so the child's pid is the program's own.
   *
   * @param {readonly string[]} argv
   * @param {import("node:child_process").SpawnOptions} [options]
   */
  spawn(argv, options = {}) {
    const [program = "", ...args] = this.#inside(argv);
    return spawn(program, args, options);
  }

  /** @param {readonly string[]} argv */
  #inside(argv) {
    return ["ip", "netns", "exec", this.name, ...argv];
  }
}

/**
 * Joins the two and gives every address of the plan to its place.
 *
 * @param {Namespace} internet
 * @param {Namespace} node
 */
export async function connectNamespaces(internet, node) {
  await internet.run([
    ...["ip", "link", "add", GATEWAY.interface, "address", GATEWAY.mac, "type", "veth"],
    ...["peer", "name", NODE.interface, "address", NODE.mac, "netns", node.name],
  ]);
  // There are no router advertisements here, so without this both ends would ask for them in the middle of a capture.
  await ignoreAdvertisements(internet, GATEWAY.interface);
  await ignoreAdvertisements(node, NODE.interface);
  await batch(internet, [
    ...internetAddresses().map((address) => `address add ${address} dev lo`),
    `address add ${GATEWAY.address}/${GATEWAY.prefix} dev ${GATEWAY.interface}`,
    `address add ${GATEWAY.ipv6}/${GATEWAY.ipv6Prefix} dev ${GATEWAY.interface} nodad`,
    `link set ${GATEWAY.interface} up`,
    `route add ${NODE.ipv6}/${NODE.ipv6Prefix} dev ${GATEWAY.interface}`,
  ]);
  await batch(node, [
    `address add ${NODE.address}/${NODE.prefix} dev ${NODE.interface}`,
    `address add ${NODE.ipv6}/${NODE.ipv6Prefix} dev ${NODE.interface} nodad`,
    `link set ${NODE.interface} up`,
    `route add default via ${GATEWAY.address}`,
    `route add default via ${GATEWAY.ipv6} dev ${NODE.interface}`,
  ]);
}

/**
 * @param {Namespace} namespace
 * @param {string} interfaceName
 */
async function ignoreAdvertisements(namespace, interfaceName) {
  await namespace.run(["sh", "-c", `echo 0 >/proc/sys/net/ipv6/conf/${interfaceName}/accept_ra`]);
}

/** Relays and servers live on the loopback of their namespace, each address alone in its network. */
function internetAddresses() {
  const addresses = [
    ...RELAYS.flatMap((relay) => [relay.address, ...(relay.ipv6 ? [relay.ipv6.address] : [])]),
    ...INTERNET_SERVICES.map((service) => service.address),
  ];
  return [...new Set(addresses)].map((address) => (address.includes(":") ? `${address}/128` : `${address}/32`));
}

/**
 * @param {Namespace} namespace
 * @param {readonly string[]} commands - Arguments of `ip`, one command each.
 */
async function batch(namespace, commands) {
  await namespace.run(["ip", "-batch", "-"], { input: `${commands.join("\n")}\n` });
}
