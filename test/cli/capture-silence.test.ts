import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FIXTURES } from "../support/leek.js";
import { childrenOf, FAR, type Peer, pause, WIRE, WireLab } from "../support/wire-lab.js";

let lab: WireLab;
let near: Peer;
beforeAll(async () => {
  lab = new WireLab();
  near = await lab.peer(lab.near);
});
afterAll(() => lab.close());

describe("a live capture is silent", () => {
  it("nothing of leek's comes out of the machine while it runs", async () => {
    const watcher = await lab.tcpdump(["-l"], lab.far);
    const consensus = ["--consensus", join(FIXTURES, "consensus")];
    const leek = await lab.leek(["capture", "-i", WIRE, "-w", join(lab.folder, "a.pcapng"), ...consensus]);
    const report = await lab.leek(["analyze", "-i", "any", "--json", ...consensus]);
    await near.do("send", { address: FAR, port: 9, count: 3, text: "test" });
    await pause(500);
    await Promise.all([leek.stop(), report.stop()]);
    await pause(300);
    await watcher.stop();
    const ours = watcher.lines.filter((line) => / > 5\.5\.5\.2\.9: UDP, length 4$/.test(line));
    const refusals = watcher.lines.filter((line) => /: ICMP 5\.5\.5\.2 udp port 9 unreachable/.test(line));
    expect(ours).toHaveLength(3);
    expect(watcher.lines).toHaveLength(ours.length + refusals.length);
  });

  it("it makes no socket that could reach another machine, but libpcap's own", async () => {
    const log = join(lab.folder, "strace");
    const calls = "trace=socket,connect,bind,sendto,sendmsg,sendmmsg";
    const leek = await lab.leek(["capture", "-i", WIRE, "--no-local-consensus"], {
      before: ["strace", "-f", "-qq", "-e", calls, "-o", log],
    });
    await near.do("send", { address: FAR, port: 9, count: 3 });
    await leek.shows(3);
    const [traced] = childrenOf(leek.pid);
    process.kill(traced!, "SIGINT");
    expect(await leek.ended).toBe(0);
    const text = readFileSync(log, "utf8");
    // The tracer sees the socket of the capture: it is not blind.
    expect(text).toMatch(/socket\(AF_PACKET, /);
    const lines = text.split("\n");
    // libpcap asks the interface's settings of a datagram socket that is neither bound nor connected.
    const reaching = lines.filter((line) => /(connect|bind|send\w*)\(.*AF_INET/.test(line));
    expect(reaching).toEqual([]);
    const sockets = lines.filter((line) => /socket\(/.test(line) && !/AF_(PACKET|UNIX|NETLINK)/.test(line));
    for (const line of sockets) expect(line).toMatch(/socket\(AF_INET6?, SOCK_DGRAM/);
    const sends = lines.filter((line) => /send(to|msg|mmsg)\(/.test(line));
    expect(sends.filter((line) => !/AF_(UNIX|NETLINK)|msg_name=NULL/.test(line))).toEqual([]);
  });
});
