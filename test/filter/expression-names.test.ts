import { describe, expect, it } from "vitest";
import { findResolvedName } from "../../src/capture/libpcap/expression-names.js";

const MINOR = 10;

describe("a filter with a name that the resolver would be asked for", () => {
  it.each([
    ["host example.com", "example.com"],
    ["src example.com", "example.com"],
    ["src or dst host x", "x"],
    ["src or dst x", "x"],
    ["dst net somename", "somename"],
    ["net localnet", "localnet"],
    ["gateway 192.0.2.1", "gateway"],
    ["ether gateway x", "gateway"],
    ["host a and b", "a"],
    ["host 192.0.2.1 or b", "b"],
    ["host 192.0.2.1 or not b", "b"],
    ["host 192.0.2.1 || ! b", "b"],
    ["host (192.0.2.1 or b)", "b"],
    ["host not foo", "foo"],
    ["not host foo", "foo"],
    ["tcp and src host foo", "foo"],
    ["tcp src foo", "foo"],
    // Words that look like addresses, but are none to libpcap's scanner.
    ["host 1.2.3.4.5", "1.2.3.4.5"],
    ["host 192.0.2.1x", "192.0.2.1x"],
    ["host 192.0.2.1-2", "192.0.2.1-2"],
    ["host cafe", "cafe"],
    ["host \\tcp", "\\tcp"],
    ["host \\\\x", "\\\\x"],
    ["host abcd:ef", "abcd"],
    ["host fe80::1%eth0 or eth0", "eth0"],
    // A closing bracket brings back the qualifiers from before its opening one: b is a host.
    ["host 192.0.2.1 and (port 80) or b", "b"],
    ["(port 80) or b", "b"],
    ["port 80 or (host 192.0.2.1) or b", "b"],
    // The qualifiers end with a comparison.
    ["port 80 and tcp[0] = 1 and b", "b"],
    ["port 80 and ip and b", "b"],
    // `ether` is a primitive of its own here.
    ["ether or host x", "x"],
    ["ether and src host x", "x"],
    ["ether proto 6 or host x", "x"],
    ["ether src host 00:00:5e:00:53:01 or host x", "x"],
    ["llc u or x", "x"],
    ["llc or x", "x"],
  ])("is refused: %s", (expression, name) => {
    expect(findResolvedName(expression, MINOR)?.name).toBe(name);
  });

  it("is found at its offset", () => {
    expect(findResolvedName("tcp and host   relay.example", MINOR)).toEqual({ name: "relay.example", offset: 15 });
  });

  it("is refused where the installed libpcap is too old for the keyword", () => {
    expect(findResolvedName("host 192.0.2.1 or ifindex 2", 9)?.name).toBe("ifindex");
    expect(findResolvedName("host 192.0.2.1 or ifindex 2", 10)).toBeUndefined();
    expect(findResolvedName("host 192.0.2.1 or vxlan", 10)?.name).toBe("vxlan");
  });
});

describe("a filter without such a name", () => {
  it.each([
    "",
    "tcp port 9001",
    "port http or 443 or smtp",
    "port (http or smtp)",
    "src or dst port domain",
    "not port domain and not icmp",
    "portrange http-443",
    "portrange 6000-6010",
    "ip proto \\tcp or \\udp",
    "ip6 protochain \\tcp",
    "ether proto \\arp",
    "host 192.0.2.1 or 198.51.100.7",
    "host 2001:db8::1 or ::1 or 2001:db8::192.0.2.1",
    "src net 10.0.0.0/8 or 192.168 or 172.16.0.0 mask 255.240.0.0",
    "ip6 net 2001:db8::/32 or net ::/0",
    "ether host 00:00:5e:00:53:01 or 00-00-5e-00-53-02 or 0000.5e00.5303",
    "ether src or dst host gatewayhost",
    "ether host a or b",
    "wlan addr1 ap",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
    "icmp[icmptype] = icmp-echo or icmp6[icmp6type] == icmp6-echoreply",
    "tcp[tcpflags] == tcp-syn + unknown-constant",
    "ip[2:2] > 576 && ip[0] & 0xf != 5",
    "vlan 5 and (mpls or pppoes)",
    "less 100 or greater 1000 or len > 5",
    "llc u and wlan type mgt subtype beacon",
    "on eth0",
    "ifname eth0 and reason match and action block",
    "inbound",
  ])("passes: %s", (expression) => {
    expect(findResolvedName(expression, MINOR)).toBeUndefined();
  });

  it("passes even when libpcap will find it wrong, without looking anything up", () => {
    for (const expression of ["foo", "port", ")", "tcp port 80 €", "host 192.0.2.1 \u0000 x"]) {
      expect(findResolvedName(expression, MINOR)).toBeUndefined();
    }
  });
});
