import { LinkType } from "../../base/index.js";
import { type HostInterface, listInterfaces } from "../../host/index.js";
import { interfacesJson, renderInterfaces } from "../../report/interfaces/index.js";
import { ExitStatus } from "../output/exit-status.js";
import { TextOutput } from "../output/output.js";

/** Linux's name for all interfaces at once, which is none of them. */
const ANY: HostInterface = {
  name: "any",
  index: undefined,
  addresses: [],
  mac: undefined,
  up: true,
  running: undefined,
  loopback: false,
  mtu: undefined,
  linkType: LinkType.LINUX_SLL2,
  defaultRoute: [],
};

/** `leek interfaces`: what `-i` can name. */
export function interfaces({ json }: { readonly json: boolean }): number {
  const listed = listInterfaces();
  const all = process.platform === "linux" ? [...listed, ANY] : listed;
  const out = new TextOutput();
  out.write(json ? interfacesJson(all) : renderInterfaces(all));
  out.flush();
  return ExitStatus.Ok;
}
