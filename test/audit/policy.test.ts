import { describe, expect, it } from "vitest";
import { parsePolicy } from "../../src/audit/index.js";

/** What is wrong with a policy, all of it. */
async function problemsOf(text: string): Promise<readonly string[]> {
  return await parsePolicy(text, "p.yaml").then(
    () => [],
    (error) => {
      expect(error).toMatchObject({ name: "PolicyError", code: "LEEK_POLICY_INVALID", kind: "configuration" });
      expect(error.hint).toContain("leek audit --init");
      return error.problems;
    },
  );
}

const allow = (...lines: string[]) =>
  ["allow:", ...lines.map((line, i) => `${i === 0 ? "  - " : "    "}${line}`)].join("\n");

describe("a policy", () => {
  it("may leave out everything", async () => {
    const policy = await parsePolicy("", "p.yaml");
    expect(policy).toMatchObject({ name: "p.yaml", nodes: [], role: "client", allow: [], expectTor: true });
    expect(await parsePolicy("# nothing but a comment\n", "p.yaml")).toEqual(policy);
    expect(await parsePolicy("version: 1", "p.yaml")).toEqual(policy);
    expect(await parsePolicy("{}", "p.yaml")).toEqual(policy);
  });

  it("says all that a command line could, and more", async () => {
    const policy = await parsePolicy(
      `
node: [192.0.2.10, "2001:db8::/64"]
role: relay
bridges:
  - obfs4 203.0.113.9:443 0123456789ABCDEF0123456789ABCDEF01234567 cert=x iat-mode=0
authorities: auth1 orport=5000 198.51.100.11:7000 0123456789ABCDEF0123456789ABCDEF01234567
severity: { ntp: note, other-udp: warning }
thresholds: { minDuration: 10m, failOpen: 1.5 }
expect: { tor: false, applications: [http, socks5] }
`,
      "p.yaml",
    );
    expect(policy).toMatchObject({
      nodes: [
        { version: 4, prefixLength: 32 },
        { version: 6, prefixLength: 64 },
      ],
      role: "relay",
      bridges: ["obfs4 203.0.113.9:443 0123456789ABCDEF0123456789ABCDEF01234567 cert=x iat-mode=0"],
      authorities: ["auth1 orport=5000 198.51.100.11:7000 0123456789ABCDEF0123456789ABCDEF01234567"],
      severities: new Map([
        ["ntp", "note"],
        ["other-udp", "warning"],
      ]),
      minDurationSeconds: 600,
      failOpenSeconds: 1.5,
      expectTor: false,
      expectedApplications: ["http", "socks5"],
    });
  });

  it("takes one thing in place of a list of one", async () => {
    const one = await parsePolicy("node: 192.0.2.1\nallow: { to: 192.0.2.2, port: 1, because: x }", "p.yaml");
    expect(one).toEqual(
      await parsePolicy("node: [192.0.2.1]\nallow: [{ to: [192.0.2.2], port: [1], because: x }]", "p.yaml"),
    );
  });

  it("has exceptions with all their conditions", async () => {
    const { allow: allowed } = await parsePolicy(
      allow(
        "to: [192.0.2.0/24, 2001:db8::1]",
        'port: [53, "80", 1000-2000]',
        "protocol: [tcp, ntp, icmp6, ip-proto-99]",
        "name: [example.org, .example.net, _tcp.example.com]",
        "process: [chronyd, chrony.service]",
        "from: 2026-11-22 10:00",
        "until: 2026-11-23",
        "because: it must",
      ),
      "p.yaml",
    );
    expect(allowed).toEqual([
      {
        because: "it must",
        addresses: [expect.objectContaining({ prefixLength: 24 }), expect.objectContaining({ prefixLength: 128 })],
        ports: [
          { first: 53, last: 53 },
          { first: 80, last: 80 },
          { first: 1000, last: 2000 },
        ],
        protocols: ["tcp", "ntp", "icmp6", "ip-proto-99"],
        names: ["example.org", ".example.net", "_tcp.example.com"],
        processes: ["chronyd", "chrony.service"],
        from: Date.UTC(2026, 10, 22, 10) / 1000,
        until: Date.UTC(2026, 10, 23) / 1000,
      },
    ]);
  });

  it("comes on top of its preset: lists joined, single values and severities before the preset's", async () => {
    const preset = await parsePolicy("preset: bitcoin-over-tor", "p.yaml");
    const policy = await parsePolicy(
      `preset: bitcoin-over-tor\nseverity: { port-mapping: warning, ntp: note }\nrole: relay\n${allow("port: 123", "because: mine")}`,
      "p.yaml",
    );
    expect(policy.role).toBe("relay");
    expect(policy.severities).toEqual(new Map([...preset.severities, ["port-mapping", "warning"], ["ntp", "note"]]));
    expect(policy.allow.map(({ because }) => because)).toEqual(["mine", preset.allow[0]!.because]);
    expect(policy.name).toBe("p.yaml");
  });
});

describe("an error of a policy", () => {
  it.each([
    [
      "a port out of range",
      allow("port: 70000", "because: x"),
      ['p.yaml:2:11: port must be 1 to 65535, or "FIRST-LAST"'],
    ],
    [
      "a range that runs downwards",
      allow("port: 20-10", "because: x"),
      ['p.yaml:2:11: port must be 1 to 65535, or "FIRST-LAST"'],
    ],
    ["no address", "node:\n  - 192.0.2.300", ["p.yaml:2:5: node must be an address, or ADDR/LENGTH"]],
    [
      "an address within its network",
      "node: 192.0.2.10/24",
      ['p.yaml:1:7: node: "192.0.2.10/24" is within 192.0.2.0/24; write that, or the address alone'],
    ],
    [
      "an IPv6 address within its network",
      "node: 2001:db8::1/33",
      ['p.yaml:1:7: node: "2001:db8::1/33" is within 2001:db8::/33; write that, or the address alone'],
    ],
    ["an unknown key", "nodes: 192.0.2.1", ['p.yaml:1:1: there is no key "nodes"; did you mean node?']],
    ["an unknown key that is near to none", "colour: red", ['p.yaml:1:1: there is no key "colour"']],
    [
      "another way to write a key",
      "thresholds:\n  min_duration: 1m",
      ['p.yaml:2:3: there is no key "min_duration"; did you mean minDuration?'],
    ],
    ["an unknown rule", "severity: { dnss: note }", ['p.yaml:1:13: there is no key "dnss"; did you mean dns?']],
    [
      "the rule that watches leek itself",
      "severity: { canary: note }",
      [expect.stringContaining('there is no key "canary"')],
    ],
    ["an unknown severity", "severity: { dns: off }", ["p.yaml:1:18: severity of dns must be leak, warning, note"]],
    ["an unknown role", "role: clint", ["p.yaml:1:7: role must be client, bridge, relay, exit; did you mean client?"]],
    ["an unknown preset", "preset: workstaton", [expect.stringContaining("did you mean workstation?")]],
    [
      "an unknown protocol",
      allow("protocol: dsn", "because: x"),
      ["p.yaml:2:15: this is no protocol that leek knows; did you mean dns?"],
    ],
    ["another version", "version: 2", ["p.yaml:1:10: version must be 1: the only one that this leek knows"]],
    ["a bridge that cannot be read", "bridges: [obfs4]", ['p.yaml:1:11: Cannot read bridge "obfs4": no address in it']],
    ["an authority that cannot be read", "authorities: [moria1]", [expect.stringContaining("p.yaml:1:15: ")]],
    ["no reason", allow("port: 1"), ["p.yaml:2:5: an entry of allow must say why: because"]],
    ["a reason without words", allow("port: 1", 'because: " "'), ["p.yaml:3:14: because must be text, and not empty"]],
    [
      "an exception for everything",
      allow("because: x"),
      [expect.stringContaining("p.yaml:2:5: this entry fits every flow")],
    ],
    [
      "a condition without a value",
      allow("to:", "port: 1", "because: x"),
      ["p.yaml:2:8: to must be an address, or ADDR/LENGTH"],
    ],
    ["a condition with an empty list", allow("to: []", "port: 1", "because: x"), ["p.yaml:2:9: to must not be empty"]],
    [
      "times that run backwards",
      allow("port: 1", "from: 2026-02-01", "until: 2026-01-01", "because: x"),
      ["p.yaml:4:12: until must not be before from"],
    ],
    [
      "a day that is none",
      allow("port: 1", "from: 2026-02-30", "because: x"),
      ["p.yaml:3:11: from must be a time in UTC, as 2026-11-22 10:00"],
    ],
    ["no host name", allow("name: exa mple", "because: x"), [expect.stringContaining("name must be a host name")]],
    ["the end of all names", allow("name: .", "because: x"), [expect.stringContaining("name must be a host name")]],
    [
      "a time that is none",
      "thresholds: { failOpen: 0s }",
      [expect.stringContaining("p.yaml:1:25: failOpen must be a time")],
    ],
    ["a word in place of true", "expect: { tor: yes }", ["p.yaml:1:16: tor must be true or false"]],
    ["a value in place of keys", "severity: leak", ["p.yaml:1:11: severity must have keys of its own"]],
    ["a list in place of keys", "- node", [expect.stringContaining("p.yaml:1:1: a policy must have keys")]],
    ["nothing written out", "~", [expect.stringContaining("p.yaml:1:1: a policy must have keys")]],
    ["a key twice", "role: client\nrole: exit", ['p.yaml:2:1: "role" stands here a second time']],
    ["a key that is no word", "? [a]\n: 1", ["p.yaml:1:3: a key must be a word"]],
    ["a merge key", "a: &a { role: client }\n<<: *a", expect.arrayContaining(['p.yaml:2:1: there is no key "<<"'])],
    ["a tag", "role: !!binary AAAA", [expect.stringContaining("p.yaml:1:7: Unresolved tag")]],
    ["broken YAML", "node: [192.0.2.1", [expect.stringMatching(/^p\.yaml:1:\d+: /)]],
    ["two documents", "role: client\n---\nrole: exit", [expect.stringMatching(/^p\.yaml:2:1: /)]],
    ["an alias of nothing", "role: *a", expect.arrayContaining(['p.yaml:1:7: there is no anchor "a" above'])],
  ])("names place and reason of %s", async (_what, text, problems) => {
    expect(await problemsOf(text)).toEqual(problems);
  });

  it.each([
    ["all of IPv4", "to: 0.0.0.0/0"],
    ["all of an IP version beside one address", 'to: [192.0.2.1, "::/0"]'],
    ["all ports", "port: 1-65535"],
    ["all ports in parts", "port: [30000-65535, 1-30000]"],
    ["all of TCP", "protocol: tcp"],
    ["all of UDP beside ICMP", "protocol: [icmp, udp]"],
    ["all that begins after a time", "from: 2026-01-01"],
    ["all that begins before a time", "until: 2026-01-01"],
  ])("refuses an exception for %s, however many such conditions there are", async (_what, condition) => {
    const wide = [expect.stringContaining("p.yaml:2:5: this entry fits nearly every flow")];
    expect(await problemsOf(allow(condition, "because: x"))).toEqual(wide);
    if (!condition.startsWith("protocol")) {
      expect(await problemsOf(allow(condition, "protocol: [tcp, udp]", "because: x"))).toEqual(wide);
    }
    expect(await problemsOf(allow(condition, "name: example.org", "because: x"))).toEqual([]);
  });

  it("comes with all others, in their order, 20 at most", async () => {
    expect(await problemsOf("role: none\nnode: here\nbogus: 1")).toEqual([
      expect.stringContaining("p.yaml:1:7: role"),
      expect.stringContaining("p.yaml:2:7: node"),
      expect.stringContaining("p.yaml:3:1: there is no key"),
    ]);
    const many = await problemsOf(`node: [${new Array(30).fill("x").join(", ")}]`);
    expect(many).toHaveLength(21);
    expect(many.at(-1)).toBe("and 10 more");
  });

  it("quotes no more than a line of what it found", async () => {
    const [problem] = await problemsOf(`${"k".repeat(5000)}x: 1`);
    expect(problem!.length).toBeLessThan(120);
  });
});

describe("a hostile policy", () => {
  it("may not be larger than 1 MiB", async () => {
    expect(await problemsOf(`# ${"x".repeat(1 << 20)}`)).toEqual([
      "p.yaml:1:1: a policy must not be larger than 1048576 bytes",
    ]);
  });

  it("may use an anchor, but not without end", async () => {
    const twice = await parsePolicy("node: &a [192.0.2.1]\nallow: [{ to: *a, because: x }]", "p.yaml");
    expect(twice.allow[0]!.addresses).toEqual(twice.nodes);
    expect(await problemsOf("node: &a [*a]")).toContain("p.yaml:1:11: an alias stands within what it means");
    const bomb = ["a: &a [x, x, x, x, x, x, x, x, x]"];
    for (let i = 1; i < 30; i++)
      bomb.push(`a${i}: &a${i} [${new Array(9).fill(`*a${i === 1 ? "" : i - 1}`).join(", ")}]`);
    expect(await problemsOf(bomb.join("\n"))).toContainEqual(expect.stringContaining("more than 100 aliases"));
  });

  it.each([
    ["lists in each other", `node: ${"[".repeat(100_000)}`],
    ["closed lists in each other", `node: ${"[".repeat(2_000)}${"]".repeat(2_000)}`],
    ["maps in each other", `node: ${"{a: ".repeat(50_000)}`],
    ["a hundred thousand keys", Array.from({ length: 100_000 }, (_, i) => `k${i}:`).join("\n")],
    ["a list of a hundred thousand", `node: [${new Array(100_000).fill("192.0.2.1").join(",")}]`],
  ])(
    "with %s is refused in good time",
    async (_what, text) => {
      expect((await problemsOf(text)).length).toBeGreaterThan(0);
    },
    10_000,
  );
});
