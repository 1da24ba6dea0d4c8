const UNIT = /^(.+)\.(?:service|scope|socket|mount|swap)$/;
const SLICE = /\.slice$/;
/** What runs the units of a user. */
const USER_MANAGER = /^user@\d+\.service$/;
/**
 * Docker, Podman, containerd, CRI-O: a number of 256 bits in hex, with or without a prefix and `.scope`. conmon, which
 * watches a container, is outside of it.
 */
const HEX_CONTAINER = /(?:^|[/\-:.])(?<!conmon-)([0-9a-f]{64})(?:\.scope)?(?=\/|$)/m;
/** LXC, and systemd-nspawn and others that systemd-machined knows. */
const NAMED_CONTAINER =
  /\/(?:lxc\.payload\.|lxc\/|machine\.slice\/machine-|machine\.slice\/systemd-nspawn@)([^/\n]+?)(?:\.scope|\.service)?(?=\/|$)/m;
const SHORT_ID = 12;

/**
 * The systemd unit of a process: below slices, the first; of a user's manager, the unit that runs below it. What lies
 * deeper is made by the unit itself, and may be named as it likes; so may what is in containers, which have no unit here.
 *
 * @param cgroup - Of /proc/PID/cgroup: `0::/path` (version 2), and `number:controllers:/path` (version 1), where the
 *   hierarchy `name=systemd` is the one that counts.
 */
export function unitOf(cgroup: string): string | undefined {
  const [unit, ...deeper] = unitPath(cgroup);
  if (unit === undefined || !UNIT.test(unit) || containerOf(`/${unit}`) !== undefined) return undefined;
  if (!USER_MANAGER.test(unit)) return unit;
  const ofUser = deeper.find((part) => !SLICE.test(part));
  return ofUser !== undefined && UNIT.test(ofUser) && containerOf(`/${ofUser}`) === undefined ? ofUser : unit;
}

/** The container in /proc/PID/cgroup: 12 digits of its number, as `docker ps` has it, or its name. */
export function containerOf(cgroup: string): string | undefined {
  return HEX_CONTAINER.exec(cgroup)?.[1]?.slice(0, SHORT_ID) ?? NAMED_CONTAINER.exec(cgroup)?.[1];
}

/** The path from the first thing that is not a slice. */
function unitPath(cgroup: string): string[] {
  const path = /^\d+:name=systemd:(\/.+)$/m.exec(cgroup)?.[1] ?? /^0::(\/.+)$/m.exec(cgroup)?.[1] ?? "";
  const parts = path.split("/").slice(1);
  const start = parts.findIndex((part) => !SLICE.test(part));
  return start < 0 ? [] : parts.slice(start);
}
