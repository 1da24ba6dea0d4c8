import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A folder that looks like /proc, of a machine that a test thinks up. */
export class MadeUpProc {
  readonly root = mkdtempSync(join(tmpdir(), "leek-proc-"));
  readonly passwd = join(this.root, "passwd");

  /** @param namespace - The inode of leek's own network namespace. */
  constructor(namespace = 1) {
    this.write("passwd", "root:x:0:0::/:/bin/sh\ndebian-tor:x:106:112::/:/bin/false\n");
    this.link("self/ns/net", `net:[${namespace}]`);
  }

  /** @param sockets - Inodes; each is open as a descriptor. */
  process(
    pid: number,
    name: string,
    sockets: readonly number[],
    { uid = 106, namespace = 1, cgroup = "0::/" } = {},
  ): void {
    this.write(`${pid}/comm`, `${name}\n`);
    this.write(`${pid}/cmdline`, `/usr/bin/${name}\0-f\0/etc/${name}\0`);
    this.write(`${pid}/status`, `Name:\t${name}\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\n`);
    this.write(`${pid}/cgroup`, `${cgroup}\n`);
    this.link(`${pid}/ns/net`, `net:[${namespace}]`);
    this.link(`${pid}/fd/0`, "/dev/null");
    for (const [i, inode] of sockets.entries()) this.link(`${pid}/fd/${i + 3}`, `socket:[${inode}]`);
  }

  /** The tables of a namespace, below `self` or a process. */
  net(
    owner: string | number,
    tables: { tcp?: string[]; tcp6?: string[]; udp?: string[]; udp6?: string[]; addresses?: string[] },
  ): void {
    const { addresses = [], ...files } = tables;
    for (const [name, lines = []] of Object.entries(files)) {
      this.write(`${owner}/net/${name}`, ["  sl  local_address ...", ...lines, ""].join("\n"));
    }
    const trie = addresses.map((address) => `  |-- ${address}\n     /32 host LOCAL\n`);
    this.write(`${owner}/net/fib_trie`, `Main:\n${trie.join("")}`);
  }

  close(): void {
    rmSync(this.root, { recursive: true });
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  link(path: string, target: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    symlinkSync(target, join(this.root, path));
  }
}

/** A line of /proc/net/tcp or udp, on a little-endian machine. */
export function socketLine(local: string, remote: string, inode: number): string {
  return `   0: ${hexEnd(local)} ${hexEnd(remote)} 01 00000000:00000000 00:00000000 00000000   106        0 ${inode} 1`;
}

function hexEnd(end: string): string {
  const [address = "", port] = end.split("/");
  const hex = (value: number, digits: number) => value.toString(16).toUpperCase().padStart(digits, "0");
  const words = address === "::" ? "0".repeat(32) : hex(Buffer.from(address.split(".").map(Number)).readUInt32LE(), 8);
  return `${words}:${hex(Number(port), 4)}`;
}
