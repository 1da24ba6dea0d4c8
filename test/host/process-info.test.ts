import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { containerOf, unitOf } from "../../src/host/cgroup.js";
import { commandLine, effectiveUid, parseUsers, processName } from "../../src/host/process-info.js";

const ID = "0123456789abcdef".repeat(4);
const USER = "/user.slice/user-1000.slice";

describe("the systemd unit of a cgroup", () => {
  it.each([
    ["a service", "0::/system.slice/system-tor.slice/tor@default.service", "tor@default.service"],
    ["cgroups of version 1", `3:cpu:/\n1:name=systemd:/system.slice/tor.service\n0::/\n`, "tor.service"],
    ["a part of a service", "0::/system.slice/tor.service/sub/deeper", "tor.service"],
    ["a login", `0::${USER}/session-3.scope`, "session-3.scope"],
    ["a service of a user", `0::${USER}/user@1000.service/app.slice/app-firefox-77.scope`, "app-firefox-77.scope"],
    ["a user's manager itself", `0::${USER}/user@1000.service/init.scope`, "init.scope"],
    ["a user's container", `0::${USER}/user@1000.service/user.slice/libpod-${ID}.scope/container`, "user@1000.service"],
    ["no unit", "0::/", undefined],
    ["a folder with another name", "0::/build/job/tor.service", undefined],
    ["a container", `0::/system.slice/docker-${ID}.scope`, undefined],
    ["a unit inside of a container", `0::/system.slice/docker-${ID}.scope/system.slice/tor.service`, undefined],
    ["a unit inside of an LXC container", "0::/lxc.payload.web/system.slice/tor.service", undefined],
  ])("%s", (_name, cgroup, unit) => {
    expect(unitOf(cgroup)).toBe(unit);
  });

  it("is not what a service calls the groups below its own", () => {
    expect(unitOf("0::/system.slice/evil.service/tor@default.service")).toBe("evil.service");
    expect(unitOf(`0::${USER}/session-3.scope/tor@default.service`)).toBe("session-3.scope");
  });
});

describe("the container of a cgroup", () => {
  it.each([
    ["Docker with systemd", `0::/system.slice/docker-${ID}.scope`, ID.slice(0, 12)],
    ["Docker without", `9:memory:/docker/${ID}\n1:name=systemd:/docker/${ID}\n`, ID.slice(0, 12)],
    ["Podman", `0::/machine.slice/libpod-${ID}.scope/container`, ID.slice(0, 12)],
    ["Podman within a service", `0::/system.slice/web.service/libpod-payload-${ID}`, ID.slice(0, 12)],
    [
      "Kubernetes with containerd",
      `0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-${ID}.scope`,
      ID.slice(0, 12),
    ],
    ["Kubernetes with CRI-O", `0::/kubepods/besteffort/pod1/crio-${ID}`, ID.slice(0, 12)],
    ["containerd", `0::/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:${ID}`, ID.slice(0, 12)],
    ["LXC", "0::/lxc.payload.web/system.slice/nginx.service", "web"],
    ["LXC of old", "4:devices:/lxc/web/init.scope\n", "web"],
    ["systemd-nspawn", "0::/machine.slice/systemd-nspawn@web.service/payload", "web"],
    ["systemd-machined", "0::/machine.slice/machine-web.scope", "web"],
    ["no container", "0::/system.slice/tor.service", undefined],
    ["what watches a container of Podman", `0::/machine.slice/libpod-conmon-${ID}.scope`, undefined],
    ["a shorter number", "0::/docker/0123456789abcdef", undefined],
  ])("%s", (_name, cgroup, container) => {
    expect(containerOf(cgroup)).toBe(container);
  });

  it("any text has a unit and a container of one line, or none", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-f:=/.\-\n@servicopdklx]{0,200}$/), (cgroup) => {
        for (const name of [unitOf(cgroup), containerOf(cgroup)]) expect(name ?? "x").toMatch(/^[^\n/]+$/);
      }),
    );
  });
});

describe("what a process says of itself", () => {
  it("is its arguments, joined by blanks, and cut", () => {
    expect(commandLine("tor\0-f\0/etc/tor/torrc\0")).toBe("tor -f /etc/tor/torrc");
    expect(commandLine("")).toBe("");
    expect(commandLine(`${"x".repeat(600)}\0`)).toBe(`${"x".repeat(512)}...`);
  });

  it("is its name, but for a main thread that says no more than that it is one", () => {
    expect(processName("bitcoind", "/usr/bin/bitcoind\0-proxy\0")).toBe("bitcoind");
    expect(processName("MainThread", "/usr/bin/node\0/srv/explorer/app.js\0")).toBe("node");
    expect(processName("MainThread", "node")).toBe("node");
    expect(processName("MainThread", "/a/program-with-a-long-name\0")).toBe("program-with-a-");
    for (const words of ["", "\0/usr/bin/node", "/"]) expect(processName("MainThread", words)).toBe("MainThread");
  });

  it("is the effective user, and no line in the name of the process", () => {
    expect(effectiveUid("Name:\tUid:\\n0\nUmask:\t0022\nUid:\t1000\t106\t1000\t1000\nGid:\t1\t1\t1\t1\n")).toBe(106);
    expect(effectiveUid("")).toBeUndefined();
  });

  it("users are those of passwd(5): of two names for a number, the first", () => {
    const users = parseUsers("root:x:0:0::/:/bin/sh\ntoor:x:0:0\n+::::::\nbad:x:abc:1\ndebian-tor:x:106:112::/\n#");
    expect([...users]).toEqual([
      [0, "root"],
      [106, "debian-tor"],
    ]);
  });
});
