import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { findIdentity, type Identity } from "../../src/cli/live/privileges.js";
import { bundleScript } from "../support/bundle.js";
import { run } from "../support/leek.js";

const PASSWD = `root:x:0:0:root:/root:/bin/bash
# a comment
+@netgroup::::::
broken:x:abc:1::/:/bin/sh
huge:x:4294967295:4294967295::/:/bin/sh
alice:x:1000:1001:Alice,,,:/home/alice:/bin/bash
debian-tor:x:106:112::/var/lib/tor:/bin/false
`;
const ALICE: Identity = { user: "alice", uid: 1000, gid: 1001 };
const NOBODY: Identity = { user: "nobody", uid: 65_534, gid: 65_534 };

describe("whom to become", () => {
  beforeEach(() => {
    for (const name of ["SUDO_UID", "SUDO_GID", "SUDO_USER"]) vi.stubEnv(name, undefined);
    vi.spyOn(process, "geteuid").mockReturnValue(0);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  const stubSudo = (uid: string | undefined, gid: string | undefined, user: string | undefined) => {
    vi.stubEnv("SUDO_UID", uid);
    vi.stubEnv("SUDO_GID", gid);
    vi.stubEnv("SUDO_USER", user);
  };

  it("is whoever called sudo", () => {
    stubSudo("1000", "1001", "alice");
    expect(findIdentity(undefined, PASSWD)).toEqual(ALICE);
  });

  it("is the user of -Z, by name or number, before the one who called sudo", () => {
    stubSudo("106", "112", "debian-tor");
    expect(findIdentity("alice", PASSWD)).toEqual(ALICE);
    expect(findIdentity("1000", PASSWD)).toEqual(ALICE);
    expect(findIdentity("root", PASSWD)).toEqual({ user: "root", uid: 0, gid: 0 });
  });

  it("is nobody else without sudo", () => {
    expect(findIdentity(undefined, PASSWD)).toBeUndefined();
  });

  it.each([
    ["", "1001"],
    ["1000", undefined],
    ["-1", "1001"],
    ["4294967295", "1001"],
    ["1000", "4294967295"],
    ["1e3", "1001"],
    ["0x10", "1001"],
    ["1000\n", "1001"],
  ])("is nobody else where sudo's numbers are none: %j, %j", (uid, gid) => {
    stubSudo(uid, gid, "alice");
    expect(findIdentity(undefined, PASSWD)).toBeUndefined();
  });

  it.each([["nosuch"], [""], ["broken"], ["huge"], ["4294967295"], ["-1"], ["01000"], ["alice:x"], ["__proto__"]])(
    "cannot be %j, whom /etc/passwd does not have",
    (wanted) => {
      expect(() => findIdentity(wanted, PASSWD)).toThrow(
        expect.objectContaining({ code: "LEEK_USER_UNKNOWN", kind: "usage", hint: expect.any(String) }),
      );
    },
  );

  it("can be changed by root only: -Z is refused, and what sudo says is old", () => {
    vi.spyOn(process, "geteuid").mockReturnValue(1000);
    stubSudo("106", "112", "debian-tor");
    expect(() => findIdentity("alice", PASSWD)).toThrow(
      expect.objectContaining({ code: "LEEK_USER_NOT_ROOT", kind: "usage" }),
    );
    expect(findIdentity(undefined, PASSWD)).toBeUndefined();
  });
});

/** What a process is left with. */
interface Rights {
  readonly error?: { readonly code: string; readonly kind: string; readonly message: string };
  /** Of each thread, by the names of /proc/PID/task/TID/status. */
  readonly threads: readonly Record<string, string>[];
  /** What it could do of the things that only root can. */
  readonly returned: readonly string[];
}

/** Becomes a user while there are threads of all kinds, and then tries to be root again. */
const SCRIPT = `
import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { becomeUser } from "./src/cli/live/privileges.ts";

const [identity, secret] = process.argv.slice(2);
const worker = new Worker("setInterval(() => {}, 1000)", { eval: true });
await new Promise((resolve) => worker.once("online", resolve));
await Promise.all(Array.from({ length: 8 }, () => readFile("/proc/self/stat")));
let error;
try {
  becomeUser(JSON.parse(identity));
} catch ({ code, kind, message }) {
  error = { code, kind, message };
}
const threads = readdirSync("/proc/self/task").map((thread) => {
  const status = readFileSync("/proc/self/task/" + thread + "/status", "utf8");
  return Object.fromEntries([...status.matchAll(/^(Uid|Gid|Groups|Cap\\w+):\\s*(.*?)\\s*$/gm)].map(([, k, v]) => [k, v]));
});
const attempts = {
  setuid: () => process.setuid(0),
  seteuid: () => process.seteuid(0),
  setgid: () => process.setgid(0),
  setegid: () => process.setegid(0),
  setgroups: () => process.setgroups([0]),
  read: () => readFileSync(secret),
};
const returned = Object.keys(attempts).filter((name) => {
  try {
    attempts[name]();
    return true;
  } catch {
    return false;
  }
});
console.log(JSON.stringify({ error, threads, returned }));
process.exit();
`;

describe("who has become a user", () => {
  const folder = mkdtempSync(join(tmpdir(), "leek-privileges-"));
  const script = join(folder, "script.mjs");
  const secret = join(folder, "secret");
  const group = join(folder, "group");

  beforeAll(() => {
    chmodSync(folder, 0o755);
    bundleScript(SCRIPT, script);
    writeFileSync(secret, "of root", { mode: 0o600 });
    writeFileSync(group, "root:x:0:\nbad:x:abc:nobody\nwheel:x:10:root,nobody\nwire:x:20:nobody2\ntor:x:30:nobody\n");
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** @param before - Words of the program that starts the script. */
  const become = (identity: Identity, before: readonly string[] = []): Rights => {
    const [program, ...words] = [...before, process.execPath, script, JSON.stringify(identity), secret];
    const { status, stdout, stderr } = run(program!, words);
    expect([status, stderr]).toEqual([0, ""]);
    return JSON.parse(stdout);
  };
  /** With a /etc/group of the test's own, which no other process sees. */
  const withGroups = ["unshare", "--mount", "sh", "-c", `mount --bind "$0" /etc/group && exec "$@"`, group];
  const same = (id: number) => Array(4).fill(id).join("\t");

  it("has no other number and no capability left, in any thread, and cannot get root back", () => {
    const { error, threads, returned } = become(NOBODY, withGroups);
    expect(error).toBeUndefined();
    expect(threads.length).toBeGreaterThan(4);
    for (const thread of threads) {
      expect(thread).toMatchObject({
        Uid: same(65_534),
        Gid: same(65_534),
        CapInh: "0".repeat(16),
        CapPrm: "0".repeat(16),
        CapEff: "0".repeat(16),
        CapAmb: "0".repeat(16),
      });
      expect(thread.Groups!.split(" ")).toEqual(["10", "30", "65534"]);
    }
    expect(returned).toEqual([]);
  });

  it("without a name is in no group but its own: a group without members is not everybody's", () => {
    const { error, threads } = become({ ...NOBODY, user: "" }, withGroups);
    expect(error).toBeUndefined();
    expect(new Set(threads.map(({ Groups }) => Groups))).toEqual(new Set(["65534"]));
  });

  it("may be root, if that is who was asked for", () => {
    const { error, threads } = become({ user: "root", uid: 0, gid: 0 });
    expect(error).toBeUndefined();
    expect(threads[0]!.Uid).toBe(same(0));
  });

  it("does not go on where the system refuses", () => {
    const { error } = become(ALICE, ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]);
    expect(error).toMatchObject({ code: "LEEK_PRIVILEGES", kind: "permission" });
    expect(error!.message).toContain("alice");
  });

  it("does not go on where root could be had back, because capabilities outlive the change", () => {
    const { error } = become(NOBODY, ["setpriv", "--securebits=+no_setuid_fixup"]);
    expect(error).toMatchObject({ code: "LEEK_PRIVILEGES", message: expect.stringContaining("could be had back") });
  });
});
