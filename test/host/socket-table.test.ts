import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseFibTrie, parseIfInet6 } from "../../src/host/local-addresses.js";
import { parseSocketTable } from "../../src/host/socket-table.js";

const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2327 00000000:0000 0A 00000000:00000000 00:00000000 00000000   106        0 20001 1 0000000000000000 100 0 0 10 0
   1: 050200C0:D431 0A6433C6:2329 01 00000000:00000000 02:000A1F6C 00000000   106        0 20002 2 0000000000000000 21 4 30 10 -1
  10: 050200C0:D432 0A6433C6:01BB 06 00000000:00000000 03:0000176C 00000000     0        0 0 3 0000000000000000
`;
const TCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 30001 1 0000000000000000 100 0 0 10 0
   1: 0000000000000000FFFF0000050200C0:1F90 0000000000000000FFFF00000A6433C6:C001 01 00000000:00000000 00:00000000 00000000  1000        0 30002 1 0000000000000000 20 4 30 10 -1
   2: B80D0120000000000000000001000000:C002 B80D0120000000000000000002000000:01BB 01 00000000:00000000 00:00000000 00000000  1000        0 30003 1 0000000000000000 20 4 30 10 -1
`;
const ALL_PORTS = new Set(Array.from({ length: 65_536 }, (_, port) => port));

describe("a table of sockets", () => {
  it("gives both ends and the inode; the words of an address are in the order of the machine", () => {
    expect(parseSocketTable(TCP, ALL_PORTS)).toEqual([
      { local: { address: "127.0.0.1", port: 8999 }, remote: { address: "0.0.0.0", port: 0 }, inode: 20001 },
      { local: { address: "192.0.2.5", port: 54321 }, remote: { address: "198.51.100.10", port: 9001 }, inode: 20002 },
      { local: { address: "192.0.2.5", port: 54322 }, remote: { address: "198.51.100.10", port: 443 }, inode: 0 },
    ]);
  });

  it("gives IPv6, and IPv4 over a socket of both versions as IPv4", () => {
    expect(parseSocketTable(TCP6, ALL_PORTS)).toEqual([
      { local: { address: "::", port: 8080 }, remote: { address: "::", port: 0 }, inode: 30001 },
      { local: { address: "192.0.2.5", port: 8080 }, remote: { address: "198.51.100.10", port: 49153 }, inode: 30002 },
      { local: { address: "2001:db8::1", port: 49154 }, remote: { address: "2001:db8::2", port: 443 }, inode: 30003 },
    ]);
  });

  it("gives only sockets with the ports asked for", () => {
    expect(parseSocketTable(TCP + TCP6, new Set([8080])).map(({ inode }) => inode)).toEqual([30001, 30002]);
    expect(parseSocketTable(TCP + TCP6, new Set())).toEqual([]);
  });

  it("of any text holds sockets with ports and inodes that are whole numbers, and never throws", () => {
    const table = TCP + TCP6;
    fc.assert(
      fc.property(fc.nat(table.length), fc.string({ unit: "binary" }), fc.nat(40), (at, junk, cut) => {
        for (const { local, remote, inode } of parseSocketTable(
          table.slice(0, at) + junk + table.slice(at + cut),
          ALL_PORTS,
        )) {
          expect([local.port, remote.port, inode].every((value) => Number.isSafeInteger(value) && value! >= 0)).toBe(
            true,
          );
        }
      }),
    );
  });
});

describe("the local addresses of a namespace", () => {
  it("are the hosts of the routing table that are this machine, in either of its tables", () => {
    const text = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 192.0.2.0/24 2 0 2
        |-- 192.0.2.0
           /24 link UNICAST
           /32 link BROADCAST
        |-- 192.0.2.5
           /32 host LOCAL
        |-- 192.0.2.9
           /31 link UNICAST
           /32 host LOCAL
        |-- 192.0.2.255
           /32 link BROADCAST
Local:
  +-- 127.0.0.0/8 2 0 2
     |-- 127.0.0.0
        /8 host LOCAL
     |-- 127.0.0.1
        /32 host LOCAL
`;
    expect(parseFibTrie(text)).toEqual(["192.0.2.5", "192.0.2.9", "127.0.0.1"]);
  });

  it("of IPv6 are in the form that packets have", () => {
    const text = `fd000000000000000000000000000002 04 40 00 80     eth0
00000000000000000000000000000001 01 80 10 80       lo
fe80000000000000
`;
    expect(parseIfInet6(text)).toEqual(["fd00::2", "::1"]);
  });

  it("are those that Linux tells by other means", async () => {
    const { networkInterfaces } = await import("node:os");
    const all = Object.values(networkInterfaces()).flat();
    const found = [
      ...parseFibTrie(readFileSync("/proc/self/net/fib_trie", "utf8")),
      ...parseIfInet6(readFileSync("/proc/self/net/if_inet6", "utf8")),
    ];
    expect(found).toEqual(expect.arrayContaining(all.map((one) => one!.address)));
  });

  it("of any text are found without a throw", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ |\-+\d./\nhostLOCAL]{0,300}$/), (text) => {
        expect(parseFibTrie(text).length + parseIfInet6(text).length).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
