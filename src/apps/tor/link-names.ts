/** `crypto_random_hostname(4, 25, "www.", ".com")` of tor's tortls.c: base32. */
const TOR_SERVER_NAME = /^www\.[a-z2-7]{4,25}\.com$/;
/** arti's `random_hostname`: 16 to 32 characters in all. */
const ARTI_SERVER_NAME = /^(?=.{16,32}$)www\.[a-z0-9-]+\.(?:com|net|org)$/;
/** tortls.c: `crypto_random_hostname(8, 20, "www.", ".net")` and `".com"`. */
const TOR_SUBJECT = /^www\.[a-z2-7]{8,20}\.net$/;
const TOR_ISSUER = /^www\.[a-z2-7]{8,20}\.com$/;

/** Whether Tor could have made up this name for a connection. Many names that exist have the same form. */
export function isTorServerName(name: string): boolean {
  return TOR_SERVER_NAME.test(name) || ARTI_SERVER_NAME.test(name);
}

/** Whether a relay's link certificate has these common names. */
export function isTorCertificate(subject: string, issuer: string): boolean {
  return TOR_SUBJECT.test(subject) && TOR_ISSUER.test(issuer);
}
