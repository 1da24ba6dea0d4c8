import { chmodSync, renameSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ProcessFinder, type ProcessQuery } from "../../src/host/index.js";
import { MadeUpProc, socketLine } from "./made-up-proc.js";

const OWN = "192.0.2.5";
const RELAY = "198.51.100.10";

let proc: MadeUpProc;
let now: number;
beforeEach(() => {
  proc = new MadeUpProc();
  now = 0;
});
afterEach(() => proc.close());

function finder(): ProcessFinder {
  return new ProcessFinder({ proc: proc.root, passwd: proc.passwd, now: () => now });
}

/** @param ends - `address/port`. */
function query(transport: string, local: string, remote: string): ProcessQuery {
  const end = (text: string) => ({ address: text.split("/")[0]!, port: Number(text.split("/")[1]) });
  return { transport, local: end(local), remote: end(remote) };
}

const find = (transport: string, local: string, remote: string) => finder().find([query(transport, local, remote)])[0]!;
/** Confidence and number of the process. */
const verdict = (transport: string, local: string, remote: string) => {
  const { confidence, process } = find(transport, local, remote);
  return process === undefined ? confidence : `${confidence} ${process.pid}`;
};

describe("the process of a flow", () => {
  it("is exact where one process has a socket with both ends", () => {
    proc.process(12, "tor", [500], { cgroup: "0::/system.slice/system-tor.slice/tor@default.service" });
    proc.process(13, "other", [501]);
    proc.net("self", { tcp: [socketLine(`${OWN}/4000`, `${RELAY}/9001`, 500)], addresses: [OWN] });
    expect(find("tcp", `${OWN}/4000`, `${RELAY}/9001`)).toEqual({
      confidence: "exact",
      process: {
        pid: 12,
        name: "tor",
        commandLine: "/usr/bin/tor -f /etc/tor",
        uid: 106,
        user: "debian-tor",
        unit: "tor@default.service",
        container: undefined,
        networkNamespace: undefined,
      },
    });
  });

  it("in a container has a user by number only, who is not this machine's with the same number", () => {
    const cgroup = `0::/system.slice/docker-${"0123456789abcdef".repeat(4)}.scope`;
    proc.process(12, "nginx", [500], { cgroup });
    proc.process(13, "sshd", [501], { cgroup, uid: 0 });
    proc.net("self", {
      tcp: [socketLine(`${OWN}/4000`, `${RELAY}/9001`, 500), socketLine(`${OWN}/4001`, `${RELAY}/9001`, 501)],
    });
    const container = { container: "0123456789ab", unit: undefined };
    expect(find("tcp", `${OWN}/4000`, `${RELAY}/9001`).process).toMatchObject({
      ...container,
      uid: 106,
      user: undefined,
    });
    expect(find("tcp", `${OWN}/4001`, `${RELAY}/9001`).process).toMatchObject({ ...container, uid: 0, user: "root" });
  });

  it("is by port where several processes share the socket, and then not init, which keeps it for services", () => {
    proc.process(1, "systemd", [500, 600], { uid: 0 });
    proc.process(40, "tor", [500]);
    proc.process(41, "tor", [500]);
    proc.net("self", { tcp: [socketLine(`${OWN}/4000`, `${RELAY}/9001`, 500)] });
    expect(verdict("tcp", `${OWN}/4000`, `${RELAY}/9001`)).toBe("by-port 40");
  });

  it("one process that has the socket twice is exact", () => {
    proc.process(12, "tor", [500, 500]);
    proc.net("self", { tcp: [socketLine(`${OWN}/4000`, `${RELAY}/9001`, 500)] });
    expect(verdict("tcp", `${OWN}/4000`, `${RELAY}/9001`)).toBe("exact 12");
  });

  it("is by port where a socket takes what comes to the local end", () => {
    proc.process(12, "unbound", [500]);
    proc.net("self", { udp: [socketLine("0.0.0.0/53", "0.0.0.0/0", 500)], addresses: [OWN] });
    expect(verdict("udp", `${OWN}/53`, `${RELAY}/4000`)).toBe("by-port 12");
    expect(verdict("tcp", `${OWN}/53`, `${RELAY}/4000`)).toBe("unknown");
    expect(verdict("udp", `${OWN}/54`, `${RELAY}/4000`)).toBe("unknown");
  });

  it("is that of the socket for this address, before those for all, and that for IPv4 before that for both", () => {
    proc.process(11, "both", [498]);
    proc.process(12, "any", [499]);
    proc.process(13, "own", [500]);
    const both = socketLine("::/53", "::/0", 498);
    const any = socketLine("0.0.0.0/53", "0.0.0.0/0", 499);
    proc.net("self", { udp6: [both], addresses: [OWN] });
    expect(verdict("udp", `${OWN}/53`, `${RELAY}/4000`)).toBe("by-port 11");
    proc.net("self", { udp6: [both], udp: [any], addresses: [OWN] });
    expect(verdict("udp", `${OWN}/53`, `${RELAY}/4000`)).toBe("by-port 12");
    proc.net("self", { udp6: [both], udp: [any, socketLine(`${OWN}/53`, "0.0.0.0/0", 500)], addresses: [OWN] });
    expect(verdict("udp", `${OWN}/53`, `${RELAY}/4000`)).toBe("by-port 13");
  });

  it("over IPv6 is none that has a socket for IPv4 only", () => {
    proc.process(12, "any", [499]);
    proc.write("self/net/if_inet6", "20010db8000000000000000000000001 02 40 00 80 eth0\n");
    proc.net("self", { udp: [socketLine("0.0.0.0/53", "0.0.0.0/0", 499)] });
    expect(verdict("udp", "2001:db8::1/53", "2001:db8::2/4000")).toBe("unknown");
    proc.net("self", { udp6: [socketLine("::/53", "::/0", 499)] });
    expect(verdict("udp", "2001:db8::1/53", "2001:db8::2/4000")).toBe("by-port 12");
  });

  it("is unknown for a neighbour's packet to a port that is open here", () => {
    proc.process(12, "avahi-daemon", [500]);
    proc.net("self", { udp: [socketLine("0.0.0.0/5353", "0.0.0.0/0", 500)], addresses: [OWN] });
    expect(verdict("udp", "192.0.2.77/5353", "224.0.0.251/5353")).toBe("unknown");
    expect(verdict("udp", "0.0.0.0/5353", "255.255.255.255/5353")).toBe("unknown");
    expect(verdict("udp", `${OWN}/5353`, "224.0.0.251/5353")).toBe("by-port 12");
  });

  it("is unknown where different programs share the port, and by port where one program does", () => {
    proc.process(12, "nginx", [500]);
    proc.process(13, "nginx", [501]);
    const lines = [socketLine("0.0.0.0/80", "0.0.0.0/0", 500), socketLine("0.0.0.0/80", "0.0.0.0/0", 501)];
    proc.net("self", { tcp: lines, addresses: [OWN] });
    expect(verdict("tcp", `${OWN}/80`, `${RELAY}/4000`)).toBe("by-port 12");
    proc.write("13/comm", "apache2\n");
    expect(verdict("tcp", `${OWN}/80`, `${RELAY}/4000`)).toBe("unknown");
  });

  it("is unknown for a connected socket with another far end", () => {
    proc.process(12, "tor", [500]);
    proc.net("self", { tcp: [socketLine(`${OWN}/4000`, `${RELAY}/9001`, 500)], addresses: [OWN] });
    expect(verdict("tcp", `${OWN}/4000`, `${RELAY}/9002`)).toBe("unknown");
  });

  it("is unknown for a socket that nobody holds any more (TIME_WAIT), or whose holder cannot be seen", () => {
    proc.process(12, "tor", [500, 0]);
    proc.net("self", {
      tcp: [socketLine(`${OWN}/4000`, `${RELAY}/9001`, 0), socketLine(`${OWN}/4001`, `${RELAY}/9001`, 777)],
    });
    expect(verdict("tcp", `${OWN}/4000`, `${RELAY}/9001`)).toBe("unknown");
    expect(verdict("tcp", `${OWN}/4001`, `${RELAY}/9001`)).toBe("unknown");
  });

  it("of other transports is unknown, whatever they are called", () => {
    proc.net("self", {});
    for (const transport of ["icmp", "constructor", "__proto__", ""]) {
      expect(verdict(transport, `${OWN}/1`, `${RELAY}/1`)).toBe("unknown");
    }
  });

  it("is unknown where there is no /proc", () => {
    const none = new ProcessFinder({ proc: join(proc.root, "none"), passwd: "/none", now: () => 0 });
    expect(none.find([query("tcp", `${OWN}/1`, `${RELAY}/1`)])).toEqual([{ confidence: "unknown" }]);
  });

  it("comes for each query of a batch, in their order", () => {
    proc.process(12, "tor", [500]);
    proc.process(13, "curl", [501]);
    proc.net("self", {
      tcp: [socketLine(`${OWN}/4000`, `${RELAY}/9001`, 500), socketLine(`${OWN}/4001`, `${RELAY}/443`, 501)],
    });
    const batch = [
      query("tcp", `${OWN}/4001`, `${RELAY}/443`),
      query("tcp", `${OWN}/9`, `${RELAY}/9`),
      query("tcp", `${OWN}/4000`, `${RELAY}/9001`),
    ];
    expect(
      finder()
        .find(batch)
        .map(({ process }) => process?.name),
    ).toEqual(["curl", undefined, "tor"]);
  });
});

describe("the process of a flow in another network namespace", () => {
  const INSIDE = "10.0.3.2";

  it("is found by the tables of a process in it", () => {
    proc.net("self", { tcp: [], addresses: [OWN] });
    proc.process(70, "nginx", [900], { namespace: 4026532000 });
    proc.net(70, { tcp: [socketLine(`${INSIDE}/4000`, `${RELAY}/443`, 900)], addresses: [INSIDE] });
    expect(find("tcp", `${INSIDE}/4000`, `${RELAY}/443`)).toMatchObject({
      confidence: "exact",
      process: { pid: 70, networkNamespace: 4026532000 },
    });
  });

  it("is unknown where two namespaces have the same ends", () => {
    proc.net("self", { tcp: [], addresses: [OWN] });
    for (const pid of [70, 71]) {
      proc.process(pid, "nginx", [900 + pid], { namespace: 4026532000 + pid });
      proc.net(pid, { tcp: [socketLine(`${INSIDE}/4000`, `${RELAY}/443`, 900 + pid)], addresses: [INSIDE] });
    }
    expect(verdict("tcp", `${INSIDE}/4000`, `${RELAY}/443`)).toBe("unknown");
  });

  it("is not asked for when the local end is leek's own", () => {
    proc.net("self", { tcp: [], addresses: [OWN] });
    proc.process(70, "nginx", [900], { namespace: 4026532000 });
    proc.net(70, { tcp: [socketLine(`${OWN}/4000`, `${RELAY}/443`, 900)], addresses: [OWN] });
    expect(verdict("tcp", `${OWN}/4000`, `${RELAY}/443`)).toBe("unknown");
    proc.net(70, { tcp: [socketLine("127.0.0.1/4000", "127.0.0.1/443", 900)] });
    expect(verdict("tcp", "127.0.0.1/4000", "127.0.0.1/443")).toBe("unknown");
  });

  it("is found after its first process has ended, and one begun since is found when the list is old", () => {
    proc.net("self", { tcp: [] });
    proc.process(70, "sh", [], { namespace: 4026532000 });
    proc.process(71, "nginx", [900], { namespace: 4026532000 });
    for (const pid of [70, 71]) proc.net(pid, { tcp: [socketLine(`${INSIDE}/4000`, `${RELAY}/443`, 900)] });
    const lasting = finder();
    const ask = () => lasting.find([query("tcp", `${INSIDE}/4000`, `${RELAY}/443`)])[0]?.process?.name;
    expect(ask()).toBe("nginx");
    proc.write("70/gone", "");
    rename(proc, "70", "x70");
    expect(ask()).toBe("nginx");
    rename(proc, "71", "72");
    expect(ask()).toBeUndefined();
    now += 3_000;
    expect(ask()).toBe("nginx");
  });
});

describe("the finder", () => {
  it("counts processes that it may not look into", async () => {
    proc.process(12, "tor", []);
    proc.net("self", { tcp: [socketLine(`${OWN}/4000`, `${RELAY}/9001`, 500)] });
    chmodSync(join(proc.root, "12/fd"), 0);
    chmodSync(proc.root, 0o755);
    // Root may look anywhere.
    const { execFileSync } = await import("node:child_process");
    const { bundleScript } = await import("../support/bundle.js");
    const script = `
      import { ProcessFinder } from "./src/host/index.js";
      process.setgid(65534); process.setuid(65534);
      const finder = new ProcessFinder({ proc: process.argv[2], now: () => 0 });
      const end = (address, port) => ({ address, port });
      const found = finder.find([{ transport: "tcp", local: end("${OWN}", 4000), remote: end("${RELAY}", 9001) }]);
      console.log(JSON.stringify({ found, unreadable: finder.unreadable }));`;
    const file = join(proc.root, "main.mjs");
    bundleScript(script, file);
    const text = execFileSync(process.execPath, [file, proc.root], { encoding: "utf8" });
    expect(JSON.parse(text)).toEqual({ found: [{ confidence: "unknown" }], unreadable: 1 });
  });

  it("breaks off a look that takes too long, begun with those who had sockets before, and then calls nothing exact", () => {
    let step = 0;
    const slow = new ProcessFinder({
      proc: proc.root,
      passwd: proc.passwd,
      now: () => {
        now += step;
        return now;
      },
    });
    for (let pid = 100; pid < 120; pid++) if (pid !== 112) proc.process(pid, "other", []);
    proc.process(112, "tor", [500]);
    proc.net("self", { tcp: [socketLine(`${OWN}/4000`, `${RELAY}/9001`, 500)], addresses: [OWN] });
    const ask = () => slow.find([query("tcp", `${OWN}/4000`, `${RELAY}/9001`)])[0];
    expect(ask()).toMatchObject({ confidence: "exact", process: { pid: 112 } });
    expect(slow.pause).toBe(0);
    step = 300;
    expect(ask()).toMatchObject({ confidence: "by-port", process: { pid: 112 } });
    step = 0;
    expect(slow.pause).toBeGreaterThan(1_000);
    now += slow.pause;
    expect(slow.pause).toBe(0);
    expect(ask()).toMatchObject({ confidence: "exact" });
  });
});

function rename({ root }: MadeUpProc, from: string, to: string): void {
  renameSync(join(root, from), join(root, to));
}
