import { escapeText, LeekError } from "../../base/index.js";

/** PCAP_ERROR_ codes of pcap_activate(3). */
export const Activation = {
  NoSuchDevice: -5,
  PermissionDenied: -8,
  InterfaceNotUp: -9,
  PromiscuousPermissionDenied: -11,
} as const;

/** @param text - What libpcap says of it. */
export function activationError(name: string, status: number, text: string): LeekError {
  const shown = escapeText(name);
  switch (status) {
    case Activation.NoSuchDevice:
      return new LeekError("LEEK_INTERFACE_NOT_FOUND", "no-input", `Cannot capture on ${shown}: no such interface.`, {
        hint: "leek interfaces lists those of this machine.",
      });
    case Activation.PermissionDenied:
    case Activation.PromiscuousPermissionDenied:
      return noPermission(name);
    case Activation.InterfaceNotUp:
      return new LeekError("LEEK_INTERFACE_DOWN", "unavailable", `Cannot capture on ${shown}: the interface is down.`, {
        hint: `Bring it up: ip link set ${shown} up`,
      });
    default:
      return captureFailed(name, text);
  }
}

export function noPermission(name: string): LeekError {
  const shown = escapeText(name);
  return new LeekError("LEEK_CAPTURE_PERMISSION", "permission", `Cannot capture on ${shown}: permission denied.`, {
    hint:
      "Three ways: sudo leek ...; a copy of node that may (sudo setcap cap_net_raw,cap_net_admin=eip NODE-COPY), " +
      `which runs leek; or sudo tcpdump -i ${shown} -U -w - | leek analyze -`,
  });
}

/** @param text - What libpcap, or another that captures, says of it. */
export function captureFailed(name: string, text: string): LeekError {
  const message = `Cannot capture on ${escapeText(name)}: ${escapeText(text)}`;
  return new LeekError("LEEK_CAPTURE_FAILED", "unavailable", message);
}
