/** Bytes that an interface has carried. They only grow. */
export interface DeviceCounters {
  readonly received: number;
  readonly sent: number;
}

/**
 * The interfaces of a network namespace, in the order of the system.
 *
 * @param text - Of /proc/net/dev: two lines of headings, then `NAME: ` and 16 counters, those of what was received first.
 */
export function parseDevices(text: string): ReadonlyMap<string, DeviceCounters> {
  const devices = new Map<string, DeviceCounters>();
  for (const line of text.split("\n")) {
    // A name has no blank, colon or slash in it (dev_valid_name() of Linux).
    const match = /^\s*([^\s:/]+):\s*(\d+(?:\s+\d+)*)\s*$/.exec(line);
    if (match === null) continue;
    const counters = match[2]!.split(/\s+/).map(Number);
    devices.set(match[1]!, { received: counters[0]!, sent: counters[8] ?? 0 });
  }
  return devices;
}
