import { readFileSync } from "node:fs";
import { LeekError } from "../../base/index.js";

/** Whom to run as. */
export interface Identity {
  readonly user: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Whom root should become once the interface is open: `-Z USER`, else whoever called sudo.
 *
 * @param wanted - The user's `-Z`.
 * @param passwd - Text of /etc/passwd (passwd(5)). Nothing else is asked: NSS may use the network.
 * @returns undefined when leek does not run as root, or nobody else is known: then nothing is to be dropped.
 * @throws {LeekError} LEEK_USER_UNKNOWN when `-Z` names nobody, LEEK_USER_NOT_ROOT when leek may not change users.
 */
export function findIdentity(wanted: string | undefined, passwd = readText("/etc/passwd")): Identity | undefined {
  const isRoot = process.geteuid?.() === 0;
  if (wanted !== undefined) {
    if (!isRoot) {
      throw new LeekError("LEEK_USER_NOT_ROOT", "usage", `Cannot become ${wanted}: only root can change the user.`, {
        hint: "Leave -Z out, or start leek with sudo.",
      });
    }
    const found = parsePasswd(passwd).find(({ user, uid }) => user === wanted || String(uid) === wanted);
    if (found !== undefined) return found;
    throw new LeekError("LEEK_USER_UNKNOWN", "usage", `Cannot become ${wanted}: /etc/passwd has no such user.`, {
      hint: "Give -Z a user of this machine.",
    });
  }
  const { SUDO_UID = "", SUDO_GID = "", SUDO_USER = "" } = process.env;
  if (!isRoot || !isId(SUDO_UID) || !isId(SUDO_GID)) return undefined;
  return { user: SUDO_USER, uid: Number(SUDO_UID), gid: Number(SUDO_GID) };
}

/**
 * Gives root away for good: groups, group, user, in this order, for all threads.
 *
 * @throws {LeekError} LEEK_PRIVILEGES when that cannot be done, or could be undone. Nothing may be captured then.
 */
export function becomeUser(identity: Identity): void {
  try {
    setGroups(identity);
    process.setgid!(identity.gid);
    process.setuid!(identity.uid);
  } catch (cause) {
    throw refusal(identity, cause instanceof Error ? cause.message : String(cause));
  }
  if (process.geteuid!() !== identity.uid || process.getegid!() !== identity.gid) {
    throw refusal(identity, "the system did not do it");
  }
  if (identity.uid !== 0 && canReturnToRoot()) throw refusal(identity, "root could be had back");
}

/** As initgroups(3), but from /etc/group alone: NSS may use the network. */
function setGroups({ user, gid }: Identity): void {
  const others = readText("/etc/group")
    .split("\n")
    .flatMap((line) => {
      const [, , group = "", members = ""] = line.split(":");
      // The empty name is nobody's, though a list without members seems to have it.
      return user !== "" && isId(group) && members.split(",").includes(user) ? [Number(group)] : [];
    });
  process.setgroups!([...new Set([gid, ...others])]);
}

function canReturnToRoot(): boolean {
  try {
    process.setuid!(0);
    return true;
  } catch {
    return false;
  }
}

function refusal({ user, uid }: Identity, reason: string): LeekError {
  return new LeekError("LEEK_PRIVILEGES", "permission", `Cannot become user ${user || uid}: ${reason}.`, {
    hint: "Name another user with -Z, or call leek without sudo, with the rights to capture alone.",
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function parsePasswd(text: string): Identity[] {
  return text.split("\n").flatMap((line) => {
    const [user = "", , uid = "", gid = ""] = line.split(":");
    return user !== "" && isId(uid) && isId(gid) ? [{ user, uid: Number(uid), gid: Number(gid) }] : [];
  });
}

/** (uid_t) -1 means "leave as it is" to the system, so it is no user's. */
function isId(text: string): boolean {
  return /^\d{1,10}$/.test(text) && Number(text) < 2 ** 32 - 1;
}
