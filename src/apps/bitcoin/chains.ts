/** A chain of Bitcoin: a network of peers of its own. */
export interface Chain {
  readonly name: string;
  /** First four bytes of each message of transport version 1, in network order. */
  readonly magic: number;
  /** Where nodes listen unless told otherwise. */
  readonly port: number;
}

/** Bitcoin Core `kernel/chainparams.cpp`. */
export const CHAINS: readonly Chain[] = [
  { name: "main", magic: 0xf9beb4d9 | 0, port: 8333 },
  { name: "testnet3", magic: 0x0b110907, port: 18333 },
  { name: "testnet4", magic: 0x1c163f28, port: 48333 },
  // With the default challenge.
  { name: "signet", magic: 0x0a03cf40, port: 38333 },
  { name: "regtest", magic: 0xfabfb5da | 0, port: 18444 },
];

/** A signet with a challenge of its own has a magic of its own, made from it (BIP 325), and mostly signet's port. */
export const CUSTOM_SIGNET = "signet-custom";
export const SIGNET_PORT = 38333;

/** @param magic - As DataView.getInt32 reads it: signed, so that it stays unboxed. */
export function chainOfMagic(magic: number): Chain | undefined {
  for (const chain of CHAINS) if (chain.magic === magic) return chain;
  return undefined;
}

export function chainOfPort(port: number): Chain | undefined {
  for (const chain of CHAINS) if (chain.port === port) return chain;
  return undefined;
}
