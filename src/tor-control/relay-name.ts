/** How tor names a relay to controllers. */
export interface RelayName {
  /** 40 upper-case hex digits. */
  readonly fingerprint: string;
  /** Undefined where tor knows no descriptor of it. Chosen by a stranger, but letters and digits only. */
  readonly nickname: string | undefined;
}

/**
 * Reads a LongName: `$FINGERPRINT`, `$FINGERPRINT~nickname`, of old versions `$FINGERPRINT=nickname`.
 *
 * Source: control-spec 2.4.
 *
 * @returns undefined when the text is none.
 */
export function parseRelayName(text: string): RelayName | undefined {
  const match = /^\$?([0-9A-Fa-f]{40})(?:[~=]([A-Za-z0-9]{1,19}))?$/.exec(text);
  return match === null ? undefined : { fingerprint: match[1]!.toUpperCase(), nickname: match[2] };
}
