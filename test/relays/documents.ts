// Hand-written documents, small enough to see at a glance what they say.

/** 2026-11-22 10:00:00 UTC, the valid-after of both documents below. */
export const TEN = Date.UTC(2026, 10, 22, 10) / 1000;

const HOUR = 3600;
export const FRESH_UNTIL = TEN + HOUR;
export const VALID_UNTIL = TEN + 3 * HOUR;

/** "AAECAwQFBgcICQoLDA0ODxAREhM" is base64 of the bytes 0 to 19. */
export const FIRST_FINGERPRINT = "000102030405060708090A0B0C0D0E0F10111213";
export const SECOND_FINGERPRINT = "FFFEFDFCFBFAF9F8F7F6F5F4F3F2F1F0EFEEEDEC";

export const PREAMBLE_TAIL = `vote-status consensus
consensus-method 33
valid-after 2026-11-22 10:00:00
fresh-until 2026-11-22 11:00:00
valid-until 2026-11-22 13:00:00
voting-delay 300 240
client-versions 
server-versions 0.4.9.11
package something old
known-flags Authority Exit Fast Guard Running Stable V2Dir Valid
params nf_ito_high=9500 nf_ito_low=1500
dir-source moria1 F533C81CEF0BC0267857C99B2F471ADF249FA232 moria.example 128.31.0.39 9231 9201
contact 1024D/28988BF5 arma mit edu
vote-digest 0123456789ABCDEF0123456789ABCDEF01234567
`;

export const FOOTER = `directory-footer
bandwidth-weights Wbd=0 Wbe=0
directory-signature sha256 00112233445566778899AABBCCDDEEFF00112233 0123456789ABCDEF0123456789ABCDEF01234567
-----BEGIN SIGNATURE-----
c2lnbmVk
-----END SIGNATURE-----
`;

export const MICRODESC_RELAYS = `r first AAECAwQFBgcICQoLDA0ODxAREhM 2038-01-01 00:00:00 192.0.2.7 9001 9030
a [2001:db8::7]:9001
m AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
s Exit Fast Guard Running Stable V2Dir Valid
v Tor 0.4.9.11
pr Cons=1-2 Desc=1-2
w Bandwidth=1000
r second2 //79/Pv6+fj39vX08/Lx8O/u7ew 2038-01-01 00:00:00 198.51.100.200 443 0
m AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
s Running Valid
v Tor 0.4.9.11
w Bandwidth=1
`;

export const NS_RELAYS = `r first AAECAwQFBgcICQoLDA0ODxAREhM AAAAAAAAAAAAAAAAAAAAAAAAAAA 2026-11-22 08:12:01 192.0.2.7 9001 9030
a [2001:db8::7]:9001
s Exit Fast Guard Running Stable V2Dir Valid
v Tor 0.4.9.11
w Bandwidth=1000
p accept 80,443
r second2 //79/Pv6+fj39vX08/Lx8O/u7ew AAAAAAAAAAAAAAAAAAAAAAAAAAA 2026-11-22 08:12:01 198.51.100.200 443 0
s Running Valid
w Bandwidth=1
p reject 1-65535
`;

export function microdesc(relays = MICRODESC_RELAYS, preamble = PREAMBLE_TAIL, footer = FOOTER): string {
  return `network-status-version 3 microdesc\n${preamble}${relays}${footer}`;
}

export function ns(relays = NS_RELAYS): string {
  return `network-status-version 3\n${PREAMBLE_TAIL}${relays}${FOOTER}`;
}
