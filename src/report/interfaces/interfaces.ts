import Table from "cli-table3";
import { escapeText, linkTypeName } from "../../base/index.js";
import type { HostInterface } from "../../host/index.js";

/** The interfaces as a table for people. Ends with a line end. */
export function renderInterfaces(interfaces: readonly HostInterface[]): string {
  const table = new Table({
    head: ["interface", "state", "link type", "addresses", "default route"],
    style: { head: [], border: [], compact: true },
  });
  for (const one of interfaces) {
    table.push([
      escapeText(one.name),
      state(one),
      one.linkType === undefined ? "-" : linkTypeName(one.linkType),
      one.addresses.map(({ address, prefixLength }) => `${address}/${prefixLength ?? "?"}`).join("\n") || "-",
      one.defaultRoute.map((version) => `IPv${version}`).join(", ") || "-",
    ]);
  }
  return `${table.toString()}\n`;
}

/** The document leek/interfaces@1. Ends with a line end. */
export function interfacesJson(interfaces: readonly HostInterface[]): string {
  const described = interfaces.map((one) => ({
    name: one.name,
    index: one.index ?? null,
    up: one.up ?? null,
    running: one.running ?? null,
    loopback: one.loopback,
    linkType: one.linkType === undefined ? null : linkTypeName(one.linkType),
    mtu: one.mtu ?? null,
    mac: one.mac ?? null,
    addresses: one.addresses.map(({ address, prefixLength, family }) => ({
      address,
      prefixLength: prefixLength ?? null,
      family: `IPv${family}`,
    })),
    defaultRoute: one.defaultRoute.map((version) => `IPv${version}`),
  }));
  return `${JSON.stringify({ schema: "leek/interfaces@1", interfaces: described }, null, 2)}\n`;
}

function state({ up, running, loopback }: HostInterface): string {
  if (up === undefined) return "unknown";
  const words = [up ? "up" : "down"];
  if (up && running === false) words.push("no carrier");
  if (loopback) words.push("loopback");
  return words.join(", ");
}
