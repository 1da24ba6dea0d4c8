import type { PacketFilter } from "../../filter/index.js";

/**
 * Compiles a filter expression. What that takes, libpcap above all, is loaded only now: most runs have no filter.
 *
 * @throws {LeekError} see compileFilter.
 */
export async function loadFilter(expression: string): Promise<PacketFilter> {
  const { compileFilter } = await import("../../filter/index.js");
  return compileFilter(expression);
}
