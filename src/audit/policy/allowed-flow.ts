import { PROTOCOLS } from "../../apps/index.js";
import { ipProtocolName } from "../../net/index.js";
import type { Cidr } from "../node.js";
import type { AllowedFlow, PortRange } from "../policy.js";
import { readCidr, readKeys, readList, readPorts, readText, readTime, readWord } from "./fields.js";
import type { Problems } from "./problems.js";
import type { YamlEntry, YamlNode } from "./yaml-tree.js";

const KEYS = ["to", "port", "protocol", "name", "process", "from", "until", "because"] as const;

/** IP protocols by the names that flows have, and by number, and all that leek recognises. */
export const FLOW_PROTOCOLS: readonly string[] = [
  ...new Set([
    ...Array.from({ length: 256 }, (_, number) => [ipProtocolName(number), `ip-proto-${number}`]).flat(),
    ...PROTOCOLS,
  ]),
];

/** A name of DNS, or with a dot in front the end of one. Underscores are in use, though not in host names. */
const NAME = /^\.?[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*$/;
/** RFC 1035 2.3.4, and the dot in front. */
const MAX_NAME = 254;

/** Reads an entry of `allow`. What it leaves out fits anything, so an entry that leaves out everything is refused. */
export function readAllowedFlow(node: YamlNode, problems: Problems): AllowedFlow | undefined {
  if (node.kind !== "map") {
    problems.add(node.offset, `an entry of allow must have keys: ${KEYS.join(", ")}`);
    return undefined;
  }
  const found = readKeys(node, KEYS, problems);
  const because = found.because === undefined ? undefined : readText(found.because.value, "because", problems);
  if (found.because === undefined) problems.add(node.offset, "an entry of allow must say why: because");
  const allowed: AllowedFlow = {
    because: because ?? "",
    addresses: each(found.to, readCidr, problems),
    ports: each(found.port, readPorts, problems),
    protocols: each(found.protocol, readProtocol, problems),
    names: each(found.name, readName, problems),
    processes: each(found.process, readText, problems),
    from: found.from === undefined ? undefined : readTime(found.from, problems),
    until: found.until === undefined ? undefined : readTime(found.until, problems),
  };
  if (allowed.from !== undefined && allowed.until !== undefined && allowed.from > allowed.until) {
    problems.add(found.until!.value.offset, "until must not be before from");
  }
  if (KEYS.every((key) => key === "because" || found[key] === undefined)) {
    problems.add(
      node.offset,
      "this entry fits every flow: say which with to, port, protocol, name, process, from or until",
    );
  } else if (problems.isEmpty && !isNarrow(allowed)) {
    problems.add(
      node.offset,
      "this entry fits nearly every flow: say more closely which, with to, port, name or process",
    );
  }
  return allowed;
}

/** Whether one condition at least leaves out most of what there is. */
function isNarrow({ addresses, ports, protocols, names, processes, from, until }: AllowedFlow): boolean {
  return (
    narrows(addresses, ({ prefixLength }) => prefixLength === 0) ||
    (ports.length > 0 && !coverAll(ports)) ||
    narrows(protocols, (protocol) => protocol === "tcp" || protocol === "udp") ||
    names.length > 0 ||
    processes.length > 0 ||
    (from !== undefined && until !== undefined)
  );
}

function narrows<Item>(items: readonly Item[], isWide: (item: Item) => boolean): boolean {
  return items.length > 0 && !items.some(isWide);
}

function coverAll(ports: readonly PortRange[]): boolean {
  let next = 1;
  for (const { first, last } of ports.toSorted((x, y) => x.first - y.first)) {
    if (first > next) return false;
    next = Math.max(next, last + 1);
  }
  return next > 65_535;
}

type Reader<Item> = (node: YamlNode, key: string, problems: Problems) => Item | undefined;

function each<Item extends Cidr | PortRange | string>(
  entry: YamlEntry | undefined,
  read: Reader<Item>,
  problems: Problems,
): Item[] {
  if (entry === undefined) return [];
  return readList(entry, 1, problems)
    .map((node) => read(node, entry.key, problems))
    .filter((item) => item !== undefined);
}

function readProtocol(node: YamlNode, key: string, problems: Problems): string | undefined {
  return readWord(node, key, FLOW_PROTOCOLS, problems);
}

function readName(node: YamlNode, key: string, problems: Problems): string | undefined {
  const name = node.kind === "value" ? node.value : undefined;
  if (typeof name === "string" && name.length <= MAX_NAME && NAME.test(name)) return name;
  problems.add(node.offset, `${key} must be a host name, or the end of one: .example.org`);
  return undefined;
}
