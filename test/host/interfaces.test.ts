import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type HostInterface, listInterfaces } from "../../src/host/index.js";
import { readSysfs } from "../../src/host/sysfs.js";
import { bundleScript } from "../support/bundle.js";
import { run } from "../support/leek.js";
import { Namespace } from "./namespace.js";

describe("the folder of interfaces", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "leek-sysfs-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (name: string, files: Record<string, string>) => {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(join(folder, name, file, ".."), { recursive: true });
      writeFileSync(join(folder, name, file), text);
    }
  };
  const ethernet = (received: number, sent: number) => ({
    ifindex: "2\n",
    flags: "0x1003\n",
    operstate: "up\n",
    address: "02:00:00:00:00:01\n",
    mtu: "1500\n",
    type: "1\n",
    "statistics/rx_bytes": `${received}\n`,
    "statistics/tx_bytes": `${sent}\n`,
  });
  const devices = (...lines: readonly string[]) => `heading\nheading\n${lines.join("\n")}\n`;
  const eth0 = (received: number, sent: number) => `  eth0: ${received} 0 0 0 0 0 0 0 ${sent} 0 0 0 0 0 0 0`;

  it("tells of each interface what the kernel writes there", () => {
    write("eth0", ethernet(100, 200));
    writeFileSync(join(folder, "bonding_masters"), "\n");
    expect([...readSysfs(folder, () => devices(eth0(100, 200)))]).toEqual([
      [
        "eth0",
        { index: 2, mac: "02:00:00:00:00:01", up: true, running: true, loopback: false, mtu: 1500, linkType: 1 },
      ],
    ]);
  });

  it("is believed when packets come during the look", () => {
    write("eth0", ethernet(150, 250));
    const looks = [devices(eth0(100, 200)), devices(eth0(160, 250))];
    expect(readSysfs(folder, () => looks.shift()).size).toBe(1);
  });

  it("is not believed when it has other interfaces, or the same names with other counters", () => {
    write("eth0", ethernet(100, 200));
    expect(readSysfs(folder, () => devices(eth0(100, 201))).size).toBe(0);
    expect(readSysfs(folder, () => devices(eth0(99, 200))).size).toBe(0);
    expect(readSysfs(folder, () => devices()).size).toBe(0);
    expect(readSysfs(folder, () => devices(eth0(100, 200), "  eth1: 1 2 3")).size).toBe(0);
    expect(readSysfs(folder, () => undefined).size).toBe(0);
  });

  it("is looked at once more when an interface has come meanwhile", () => {
    write("eth0", ethernet(100, 200));
    const looks = [devices(), devices(eth0(100, 200)), devices(eth0(100, 200)), devices(eth0(100, 200))];
    expect(readSysfs(folder, () => looks.shift()).size).toBe(1);
  });

  it.each([
    ["TUN, which has no hardware address", { type: "65534\n", address: "\n" }, { linkType: 101, mac: undefined }],
    [
      "a tunnel, whose address is an IPv4 one",
      { type: "768\n", address: "0.0.0.0\n" },
      { linkType: 101, mac: undefined },
    ],
    ["PPP", { type: "512\n", address: "\n" }, { linkType: 113, mac: undefined }],
    ["a type that leek has no link type for", { type: "280\n" }, { linkType: undefined }],
    ["a switch chip", { "dsa/tagging": "edsa\n" }, { linkType: undefined }],
    ["one without a cable", { operstate: "down\n" }, { up: true, running: false }],
    ["one that is down", { flags: "0x1002\n", operstate: "down\n" }, { up: false, running: false }],
    [
      "loopback",
      { flags: "0x9\n", operstate: "unknown\n", address: "00:00:00:00:00:00\n" },
      { loopback: true, running: true, mac: undefined },
    ],
    [
      "files with nonsense in them",
      { ifindex: "x", flags: "1e9", mtu: "-5", type: "", address: "\u001b[2J" },
      { index: undefined, up: false, mtu: undefined, linkType: undefined, mac: undefined },
    ],
  ])("tells of %s", (_name, files, expected) => {
    write("eth0", { ...ethernet(0, 0), ...files });
    expect(readSysfs(folder, () => devices(eth0(0, 0))).get("eth0")).toMatchObject(expected);
  });
});

describe("the interfaces of a namespace", () => {
  const folder = mkdtempSync(join(tmpdir(), "leek-interfaces-"));
  const bundle = join(folder, "list.mjs");
  let namespace: Namespace | undefined;

  beforeAll(() => {
    bundleScript(
      'import { listInterfaces } from "./src/host/index.js"; console.log(JSON.stringify(listInterfaces()));',
      bundle,
    );
    namespace = new Namespace();
    namespace.ip("link", "add", "wire0", "type", "veth", "peer", "name", "wire1");
    namespace.ip("link", "add", "alone0", "type", "veth", "peer", "name", "alone1");
    namespace.ip("tuntap", "add", "mode", "tun", "name", "vpn0");
    for (const name of ["wire0", "wire1", "alone0", "vpn0"]) namespace.ip("link", "set", name, "up");
    namespace.ip("address", "add", "192.0.2.5/24", "dev", "wire0");
    namespace.ip("address", "add", "192.0.2.6/24", "dev", "wire0", "label", "wire0:more");
    namespace.ip("address", "add", "2001:db8::5/64", "dev", "wire0", "nodad");
    namespace.ip("route", "add", "default", "via", "192.0.2.1", "metric", "50");
    namespace.ip("-6", "route", "add", "default", "via", "fe80::1", "dev", "wire1", "metric", "60");
    namespace.ip("-6", "route", "add", "default", "via", "fe80::1", "dev", "wire0", "metric", "70");
  });
  afterAll(async () => {
    await namespace?.close();
    rmSync(folder, { recursive: true });
  });

  const list = (): HostInterface[] => JSON.parse(namespace!.run(process.execPath, bundle));

  it("are those of ip(8), with its numbers, states and addresses", () => {
    const oracle: {
      ifname: string;
      ifindex: number;
      flags: string[];
      mtu: number;
      link_type: string;
      address?: string;
      addr_info: { local: string; prefixlen: number; family: string }[];
    }[] = JSON.parse(namespace!.ip("-json", "address", "show"));
    const found = list();
    expect(found.map(({ name }) => name).sort()).toEqual(oracle.map(({ ifname }) => ifname).sort());
    expect(found).toHaveLength(6);
    for (const one of found) {
      const { flags, ...its } = oracle.find(({ ifname }) => ifname === one.name)!;
      const up = flags.includes("UP");
      const running = up && !flags.includes("NO-CARRIER") && !flags.includes("M-DOWN");
      const addresses = its.addr_info.map(({ local, prefixlen, family }) => `${local}/${prefixlen} ${family}`);
      expect(one).toMatchObject({
        index: its.ifindex,
        mtu: its.mtu,
        up,
        running,
        loopback: flags.includes("LOOPBACK"),
      });
      expect(one.mac).toBe(its.link_type === "ether" ? its.address : undefined);
      expect(
        one.addresses.map((own) => `${own.address}/${own.prefixLength} ${own.family === 4 ? "inet" : "inet6"}`).sort(),
      ).toEqual(running ? addresses.sort() : []);
    }
  });

  it("have the link types that libpcap gives them", () => {
    const names: Record<string, number> = { EN10MB: 1, RAW: 101, LINUX_SLL: 113 };
    for (const { name, linkType, up } of list()) {
      if (!up) continue;
      // Some versions list them on standard output, others on standard error.
      const { stdout, stderr } = run("ip", ["netns", "exec", namespace!.name, "tcpdump", "-i", name, "-L"]);
      const types = stdout + stderr;
      expect([name, linkType]).toEqual([name, names[/^ {2}(\w+)/m.exec(types)![1]!]]);
    }
  });

  it("carry the default routes that ip(8) lists first", () => {
    const carrier = (version: string) =>
      (
        JSON.parse(namespace!.ip("-json", version, "route", "show", "default")) as { dev: string; metric: number }[]
      ).sort((left, right) => left.metric - right.metric)[0]!.dev;
    const found = list();
    expect(found.filter(({ defaultRoute }) => defaultRoute.includes(4)).map(({ name }) => name)).toEqual([
      carrier("-4"),
    ]);
    expect(found.filter(({ defaultRoute }) => defaultRoute.includes(6)).map(({ name }) => name)).toEqual([
      carrier("-6"),
    ]);
  });

  it("are told with less where /sys is that of another namespace", () => {
    // nsenter(1) leaves the file systems as they are.
    const { stdout } = run("nsenter", [`--net=/run/netns/${namespace!.name}`, process.execPath, bundle]);
    const found: HostInterface[] = JSON.parse(stdout);
    expect(found.map(({ name }) => name).sort()).toEqual(
      list()
        .map(({ name }) => name)
        .sort(),
    );
    expect(found.find(({ name }) => name === "wire0")).toMatchObject({ up: true, defaultRoute: [4] });
    for (const one of found) {
      expect(one.index).toBeUndefined();
      expect(one.mtu).toBeUndefined();
      expect(one.linkType).toBeUndefined();
    }
  });
});

describe("the interfaces of this machine", () => {
  it("have all addresses that the system tells", () => {
    const addresses = listInterfaces().flatMap((one) => one.addresses.map(({ address }) => address));
    const told = Object.values(networkInterfaces()).flatMap((own) => own!.map(({ address }) => address));
    expect(addresses.sort()).toEqual(told.sort());
    expect(addresses).toContain("127.0.0.1");
  });
});
