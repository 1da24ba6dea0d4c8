import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ipv4DefaultRoute, ipv6DefaultRoute } from "../../src/host/default-routes.js";
import { parseDevices } from "../../src/host/device-counters.js";

const IPV4_HEADING = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT   ";
const ipv4 = (name: string, flags: string, metric: number, destination = "00000000", mask = "00000000") =>
  `${name}\t${destination}\t010200C0\t${flags}\t0\t0\t${metric}\t${mask}\t0\t0\t0      `;
const ZERO = "0".repeat(32);
const ipv6 = (name: string, flags: string, metric: string, destination = ZERO, length = "00") =>
  `${destination} ${length} ${ZERO} 00 fd000000000000000000000000000001 ${metric} 00000003 00000000 ${flags}     ${name}`;
/** What Linux lists in every namespace: "no route". */
const NO_IPV6 = ipv6("lo", "00200200", "ffffffff");

describe("the default route", () => {
  it("of IPv4 is the one with the lowest metric, which is decimal", () => {
    const routes = [ipv4("wlan0", "0003", 600), ipv4("eth0", "0003", 100), ipv4("eth1", "0003", 1000)];
    expect(ipv4DefaultRoute([IPV4_HEADING, ...routes, ""].join("\n"))).toBe("eth0");
  });

  it("of IPv6 is the one with the lowest metric, which is hex", () => {
    const routes = [NO_IPV6, ipv6("wlan0", "00000003", "00000258"), ipv6("eth0", "00450003", "00000064")];
    expect(ipv6DefaultRoute(routes.join("\n"))).toBe("eth0");
  });

  it("is nobody's where there is none", () => {
    expect(ipv4DefaultRoute(`${IPV4_HEADING}\n${ipv4("eth0", "0001", 0, "000200C0", "00FFFFFF")}\n`)).toBeUndefined();
    expect(ipv6DefaultRoute(`${NO_IPV6}\n`)).toBeUndefined();
    expect(ipv4DefaultRoute("")).toBeUndefined();
    expect(ipv6DefaultRoute("")).toBeUndefined();
  });

  it("is nobody's where a route that refuses comes first, and stays where it comes last", () => {
    expect(ipv4DefaultRoute([ipv4("eth0", "0003", 100), ipv4("*", "0201", 10)].join("\n"))).toBeUndefined();
    expect(ipv4DefaultRoute([ipv4("eth0", "0003", 100), ipv4("*", "0201", 4278)].join("\n"))).toBe("eth0");
    expect(
      ipv6DefaultRoute([ipv6("lo", "00200200", "0000000a"), ipv6("eth0", "3", "00000400")].join("\n")),
    ).toBeUndefined();
  });

  it("does not go over a route that is down, to a part only (0.0.0.0/1), or from a part only", () => {
    expect(ipv4DefaultRoute(ipv4("eth0", "0002", 0))).toBeUndefined();
    expect(ipv4DefaultRoute(ipv4("tun0", "0003", 0, "00000000", "00000080"))).toBeUndefined();
    expect(ipv6DefaultRoute(ipv6("tun0", "00000003", "00000001", ZERO, "01"))).toBeUndefined();
    expect(
      ipv6DefaultRoute(ipv6("eth0", "00000003", "00000001").replace(`${ZERO} 00 fd`, `fd${ZERO.slice(2)} 40 fd`)),
    ).toBeUndefined();
  });

  it("is found in any text without a throw", () => {
    const table = [IPV4_HEADING, ipv4("eth0", "0003", 100), NO_IPV6, ipv6("eth0", "3", "400")].join("\n");
    fc.assert(
      fc.property(fc.nat(table.length), fc.string({ unit: "binary" }), fc.nat(20), (at, junk, cut) => {
        const text = table.slice(0, at) + junk + table.slice(at + cut);
        for (const find of [ipv4DefaultRoute, ipv6DefaultRoute]) {
          const name = find(text);
          expect(name === undefined || text.includes(name)).toBe(true);
        }
      }),
    );
  });
});

describe("the list of devices", () => {
  const HEADING = "Inter-|   Receive  |  Transmit\n face |bytes    packets|bytes    packets\n";

  it("gives names with the bytes received and sent, in the order of the system", () => {
    const text = `${HEADING}    lo:   35566     130    0    0    0     0          0         0    35567     130    0    0    0     0       0          0\nwg-home.1:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n`;
    expect([...parseDevices(text)]).toEqual([
      ["lo", { received: 35566, sent: 35567 }],
      ["wg-home.1", { received: 1, sent: 9 }],
    ]);
  });

  it("takes no name that would lead out of a folder", () => {
    expect(parseDevices("../x: 1 2\na/b: 1 2\n a b: 1 2\n: 1 2\n").size).toBe(0);
  });

  it("takes any text without a throw", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => parseDevices(text).size >= 0));
  });
});
