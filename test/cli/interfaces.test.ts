import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LEEK, leek, type Outcome, run } from "../support/leek.js";
import { NEAR, WIRE, WireLab } from "../support/wire-lab.js";

/** Linux takes any byte in a name but blanks, colons and slashes. */
const HOSTILE = "\u001b[31mred";

interface InterfaceJson {
  readonly name: string;
  readonly index: number | null;
  readonly up: boolean | null;
  readonly running: boolean | null;
  readonly loopback: boolean;
  readonly linkType: string | null;
  readonly mtu: number | null;
  readonly mac: string | null;
  readonly addresses: readonly { readonly address: string; readonly prefixLength: number; readonly family: string }[];
  readonly defaultRoute: readonly string[];
}

let lab: WireLab;
beforeAll(() => {
  lab = new WireLab();
  const ip = (...words: readonly string[]) => lab.run(lab.near, "ip", ...words);
  ip("link", "add", "spare0", "mtu", "1280", "type", "veth", "peer", "spare1");
  ip("link", "add", HOSTILE, "type", "veth", "peer", "lonely0");
  ip("route", "add", "default", "via", "5.5.5.2", "metric", "100");
  for (const name of ["spare0", "spare1", "lonely0"]) ip("link", "set", name, "up");
  ip("address", "add", "192.0.2.1/28", "dev", "spare0");
  ip("route", "add", "default", "dev", "spare0", "metric", "200");
});
afterAll(() => lab?.close());

/** Runs leek as a user does, at the near end. */
function inLab(...args: readonly string[]): Outcome {
  return run("ip", ["netns", "exec", lab.near, process.execPath, LEEK, ...args]);
}

describe("leek interfaces", () => {
  it("is a table of what -i can name, and of the way out", () => {
    const { status, stdout, stderr } = inLab("interfaces");
    expect([status, stderr]).toEqual([0, ""]);
    const text = Buffer.from(stdout, "latin1").toString();
    const rows = text.split("\n").map((line) => line.replace(/ *│ */g, "|"));
    expect(rows).toContain("|interface|state|link type|addresses|default route|");
    expect(rows).toContain("|lo|up, loopback|EN10MB|127.0.0.1/8|-|");
    expect(rows).toContain(`|${WIRE}|up|EN10MB|${NEAR}/24|IPv4|`);
    expect(rows).toContain("|spare0|up|EN10MB|192.0.2.1/28|-|");
    expect(rows).toContain("|spare1|up|EN10MB|-|-|");
    expect(rows).toContain("|lonely0|up, no carrier|EN10MB|-|-|");
    expect(rows).toContain("|any|up|LINUX_SLL2|-|-|");
  });

  it("shows no terminal what an interface has in its name", () => {
    const { stdout } = inLab("interfaces");
    expect(stdout).not.toContain("\u001b");
    expect(stdout).toMatch(/[^ ]+\[31mred .*down/);
    const { stdout: json } = inLab("interfaces", "--json");
    expect(json).not.toContain("\u001b");
    expect(names(json)).toContain(HOSTILE);
  });

  it("--json has what ip(8) has of each, and any", () => {
    const { status, stdout, stderr } = inLab("interfaces", "--json");
    expect([status, stderr]).toEqual([0, ""]);
    const document: { schema: string; interfaces: InterfaceJson[] } = JSON.parse(stdout);
    expect(document.schema).toBe("leek/interfaces@1");
    const oracle: {
      ifname: string;
      ifindex: number;
      mtu: number;
      flags: string[];
      address: string;
      addr_info: { local: string; prefixlen: number }[];
      // ip(8) writes names as they are, which makes no JSON of this one.
    }[] = JSON.parse(lab.run(lab.near, "ip", "-json", "address", "show").replaceAll("\u001b", "\\u001b"));
    for (const { ifname, ifindex, mtu, flags, address, addr_info } of oracle) {
      expect(document.interfaces.find(({ name }) => name === ifname)).toEqual({
        name: ifname,
        index: ifindex,
        up: flags.includes("UP"),
        running: flags.includes("LOWER_UP"),
        loopback: flags.includes("LOOPBACK"),
        linkType: "EN10MB",
        mtu,
        mac: flags.includes("LOOPBACK") ? null : address,
        addresses: addr_info.map(({ local, prefixlen }) => ({
          address: local,
          prefixLength: prefixlen,
          family: "IPv4",
        })),
        defaultRoute: ifname === WIRE ? ["IPv4"] : [],
      });
    }
    expect(names(stdout).sort()).toEqual([...oracle.map(({ ifname }) => ifname), "any"].sort());
    expect(oracle).toHaveLength(6);
    expect(document.interfaces.at(-1)).toEqual({
      name: "any",
      index: null,
      up: true,
      running: null,
      loopback: false,
      linkType: "LINUX_SLL2",
      mtu: null,
      mac: null,
      addresses: [],
      defaultRoute: [],
    });
  });

  it("takes no words", () => {
    expect(leek(["interfaces", "eth0"])).toMatchObject({ status: 64, stdout: "" });
    expect(leek(["interfaces", "--all"])).toMatchObject({ status: 64, stdout: "" });
  });

  it.each([[[]], [["--json"]]])("asks nobody but the kernel, with %j", (options) => {
    const log = join(lab.folder, "strace");
    const before = ["strace", "-f", "-qq", "-e", "trace=%network", "-o", log];
    const { status } = run(before[0]!, [...before.slice(1), process.execPath, LEEK, "interfaces", ...options]);
    expect(status).toBe(0);
    const lines = readFileSync(log, "utf8").split("\n");
    // How node asks for addresses; the tracer is not blind.
    expect(lines.some((line) => /\bsocket\(AF_NETLINK, \S+, NETLINK_ROUTE\)/.test(line))).toBe(true);
    const sockets = lines.filter((line) => /\bsocket(pair)?\(/.test(line));
    expect(sockets.filter((line) => !/\bsocket\(AF_NETLINK, /.test(line))).toEqual([]);
    // Addresses of others also stand within what the kernel answers.
    const reaching = lines.filter((line) => /\b(connect|bind|send\w*)\(/.test(line));
    expect(reaching.filter((line) => !line.includes("sa_family=AF_NETLINK"))).toEqual([]);
  });
});

function names(json: string): string[] {
  return (JSON.parse(json) as { interfaces: InterfaceJson[] }).interfaces.map(({ name }) => name);
}
