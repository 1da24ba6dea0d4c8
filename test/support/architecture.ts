import { posix } from "node:path";
import { type ModuleSource, readModule } from "./module-source.js";

/** Which rooms each room may import. A room within a room (`capture/libpcap`) has a door of its own. */
export type Rooms = Readonly<Record<string, readonly string[]>>;

/** Files of `src/`, by their path below it: `net/index.ts`. */
export type Sources = ReadonlyMap<string, string>;

/** One sentence, beginning with the file. */
export type Violation = string;

const BANNED_BELOW_CLI: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/(?<![.\w$#])console\s*[.[]/, "uses console: only cli/ speaks to the user"],
  [/(?<![.\w$#])process\s*[.[]/, "uses process: only cli/ knows streams, exit codes, environment"],
  [/\bDate\s*\.\s*now\b/, "reads the clock (Date.now): time comes from the packet or as a parameter"],
  [/\bnew\s+Date\s*(?:\(\s*\)|(?!\s*\(|\w|\s*[<.]))/, "reads the clock (new Date()): time comes as a parameter"],
  [/(?<![.\w$])(?<!\bnew\s+)Date\s*\(/, "reads the clock (Date()): time comes as a parameter"],
  [/\bperformance\s*\.\s*now\b/, "reads the clock (performance.now): time comes as a parameter"],
  [/\bMath\s*\.\s*random\b/, "is not repeatable (Math.random)"],
];
const BANNED_IMPORTS_BELOW_CLI = new Set(["node:process", "process", "node:console", "console", "node:readline"]);

/** All ways in which `sources` break the rules of the house; empty when there is none. */
export function findViolations(rooms: Rooms, sources: Sources): Violation[] {
  const modules = new Map([...sources].map(([path, text]) => [path, readModule(text)]));
  const violations: Violation[] = [];
  for (const [path, module] of modules) {
    if (roomOf(rooms, path) === undefined) violations.push(`${path} is in no room of the table`);
    else violations.push(...importViolations(rooms, sources, path, module), ...codeViolations(rooms, path, module));
  }
  return [...violations, ...cycles(modules)];
}

function importViolations(rooms: Rooms, sources: Sources, path: string, module: ModuleSource): Violation[] {
  const room = roomOf(rooms, path)!;
  const found: Violation[] = [];
  for (const specifier of module.imports) {
    const target = resolve(path, specifier);
    if (target === undefined) {
      if (topOf(room) !== "cli" && BANNED_IMPORTS_BELOW_CLI.has(specifier)) {
        found.push(`${path} imports ${specifier}: only cli/ may`);
      }
      continue;
    }
    const targetRoom = roomOf(rooms, target);
    if (!sources.has(target)) found.push(`${path} imports ${specifier}, which is no file of src/`);
    else if (targetRoom === undefined || targetRoom === room) continue;
    else if (topOf(targetRoom) === topOf(room)) {
      // A room and the room within it are one house: down only through the door, up directly.
      if (targetRoom.startsWith(`${room}/`) && !isDoor(targetRoom, target)) {
        found.push(`${path} imports ${target} past ${targetRoom}/index.ts`);
      }
    } else {
      if (!isAllowed(rooms, room, targetRoom))
        found.push(`${path} imports ${target}: ${room} may not import ${targetRoom}`);
      if (!isDoor(targetRoom, target)) found.push(`${path} imports ${target} past ${targetRoom}/index.ts`);
    }
  }
  return found;
}

function codeViolations(rooms: Rooms, path: string, module: ModuleSource): Violation[] {
  const room = roomOf(rooms, path)!;
  const found: Violation[] = [];
  if (/\bexport\s+default\b/.test(module.code)) found.push(`${path} has a default export`);
  if (path === `${room}/index.ts`) {
    const rest = module.code.replace(/\bexport\s+(?:type\s+)?\{[^}]*\}\s*from\s*"\s*"\s*;?/g, "").trim();
    if (rest !== "") found.push(`${path} holds more than named exports from its files`);
  }
  if (topOf(room) === "cli") return found;
  for (const [pattern, reason] of BANNED_BELOW_CLI) {
    const match = pattern.exec(module.code);
    if (match === null) continue;
    const line = module.code.slice(0, match.index).split("\n").length;
    found.push(`${path}:${line} ${reason}`);
  }
  return found;
}

/** Type-only imports count too: they cost nothing at run time, but such files can only be understood together. */
function cycles(modules: ReadonlyMap<string, ModuleSource>): Violation[] {
  const found: Violation[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at !== -1) found.push(`${path} imports itself: ${[...trail.slice(at), path].join(" -> ")}`);
    if (at !== -1 || done.has(path)) return;
    for (const specifier of modules.get(path)?.imports ?? []) {
      const target = resolve(path, specifier);
      if (target !== undefined && modules.has(target)) visit(target, [...trail, path]);
    }
    done.add(path);
  };
  for (const path of modules.keys()) visit(path, []);
  return found;
}

/** The innermost room that holds the file. */
function roomOf(rooms: Rooms, path: string): string | undefined {
  for (let folder = posix.dirname(path); folder !== "." && folder !== "/"; folder = posix.dirname(folder)) {
    if (folder in rooms) return folder;
  }
  return undefined;
}

function topOf(room: string): string {
  return room.split("/")[0]!;
}

function isDoor(room: string, path: string): boolean {
  return path === `${room}/index.ts`;
}

/** Who may import a room may also import the rooms within it; not the other way round. */
function isAllowed(rooms: Rooms, room: string, target: string): boolean {
  const allowed = [...rooms[room]!, ...rooms[topOf(room)]!];
  return allowed.includes(target) || allowed.includes(topOf(target));
}

/** @returns Path below `src/`, undefined for packages and Node's own modules. */
function resolve(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, ".ts");
}
