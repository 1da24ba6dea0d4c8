/** Host names of public resolvers that answer DNS over HTTPS, with all names below them. */
const RESOLVERS: ReadonlySet<string> = new Set([
  "cloudflare-dns.com",
  "one.one.one.one",
  "dns.google",
  "dns.google.com",
  "dns.quad9.net",
  "dns9.quad9.net",
  "dns10.quad9.net",
  "dns11.quad9.net",
  "doh.opendns.com",
  "doh.familyshield.opendns.com",
  "dns.umbrella.com",
  "dns.sse.cisco.com",
  "doh.cleanbrowsing.org",
  "dns.adguard.com",
  "dns.adguard-dns.com",
  "dns.nextdns.io",
  "doh.mullvad.net",
  "dns.mullvad.net",
  "doh.libredns.gr",
  "dns.digitale-gesellschaft.ch",
  "doh.applied-privacy.net",
  "doh.ffmuc.net",
  "dns.switch.ch",
  "odvr.nic.cz",
  "dns.alidns.com",
  "doh.pub",
  "doh.360.cn",
  "dns.twnic.tw",
  "public.dns.iij.jp",
  "dns.njal.la",
  "freedns.controld.com",
  "dns.controld.com",
  "doh.dns.sb",
  "dnsforge.de",
  "dns.aa.net.uk",
  "private.canadianshield.cira.ca",
  "doh.xfinity.com",
  "doh.tiar.app",
  "dns0.eu",
  "unfiltered.joindns4.eu",
  "wikimedia-dns.org",
]);

/** Whether a server's name is that of a public resolver for DNS over HTTPS. Their web sites, at `www.`, are not. */
export function isDohResolver(serverName: string): boolean {
  let name = serverName.toLowerCase();
  if (name.startsWith("www.")) return false;
  for (;;) {
    if (RESOLVERS.has(name)) return true;
    const dot = name.indexOf(".");
    if (dot < 0) return false;
    name = name.slice(dot + 1);
  }
}
