import { readdirSync, readFileSync } from "node:fs";

/** Seconds that local time is ahead of UTC at a moment: tcpdump prints local time. */
export function utcOffsetSeconds(seconds: number): number {
  return -new Date(seconds * 1000).getTimezoneOffset() * 60;
}

let names: ReadonlyMap<number, string> | undefined;

/**
 * The name of an interface of this machine by its index. A Linux cooked v2 capture holds indexes only, and tcpdump
 * looks them up on the machine that prints, which need not be the one that captured.
 */
export function interfaceName(index: number): string | undefined {
  names ??= readInterfaceNames();
  return names.get(index);
}

function readInterfaceNames(): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  const directory = "/sys/class/net";
  try {
    for (const name of readdirSync(directory)) {
      found.set(Number(readFileSync(`${directory}/${name}/ifindex`, "utf8")), name);
    }
  } catch {
    // No Linux, or no /sys: indexes stay without names.
  }
  return found;
}
