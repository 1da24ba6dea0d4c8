import { readdirSync } from "node:fs";

/** The numbers of all processes, in the order of the kernel. */
export function processes(proc: string): number[] {
  try {
    return readdirSync(proc)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}
