/**
 * A directory authority as tor releases carried it. Fields are undefined where no source at hand tells.
 *
 * An authority that moved or changed its keys stands here once for each of its states.
 */
export interface Authority {
  readonly nickname: string;
  /** Digest of the key that signs consensuses, 40 upper-case hex digits; the bridge authority has none. */
  readonly v3Identity?: string;
  /** Of the relay, 40 upper-case hex digits. */
  readonly fingerprint?: string;
  readonly address: string;
  readonly orPort?: number;
  readonly dirPort: number;
  /** Its IPv6 OR port, `[address]:port`. */
  readonly ipv6?: string;
  /** First day (UTC) on which a release named it so, `YYYY-MM-DD`; undefined: older than the archives matter. */
  readonly since?: string;
  /** First day on which a release did no longer; undefined: the current state. */
  readonly until?: string;
}

/** Where the current rows come from. */
export const AUTHORITIES_RELEASE = "tor 0.4.9.11";

/**
 * Source of the current rows: the table compiled into tor 0.4.9.11 (2026-06). Of the former ones: tor's release tags
 * and its ChangeLog. Where only a month or year is known, `until` is its last day.
 */
export const AUTHORITIES: readonly Authority[] = [
  {
    nickname: "moria1",
    v3Identity: "F533C81CEF0BC0267857C99B2F471ADF249FA232",
    fingerprint: "1A25C6358DB91342AA51720A5038B72742732498",
    address: "128.31.0.39",
    orPort: 9201,
    dirPort: 9231,
    since: "2022-12-06",
  },
  {
    nickname: "tor26",
    v3Identity: "2F3DF9CA0E5D36F2685A2DA67184EB8DCB8CBA8C",
    fingerprint: "FAA4BCA4A6AC0FB4CA2F8AD5A11D9E122BA894F6",
    address: "217.196.147.77",
    orPort: 443,
    dirPort: 80,
    ipv6: "[2a02:16a8:662:2203::1]:443",
    since: "2024-04-10",
  },
  {
    nickname: "dizum",
    v3Identity: "E8A9C45EDE6D711294FADF8E7951F4DE6CA56B58",
    fingerprint: "7EA6EAD6FD83083C538F44038BBFA077587DD755",
    address: "45.66.35.11",
    orPort: 443,
    dirPort: 80,
    since: "2022-11-01",
  },
  {
    nickname: "gabelmoo",
    v3Identity: "ED03BB616EB2F60BEC80151114BB25CEF515B226",
    fingerprint: "F2044413DAC2E02E3D6BCF4735A19BCA1DE97281",
    address: "131.188.40.189",
    orPort: 443,
    dirPort: 80,
    ipv6: "[2001:638:a000:4140::ffff:189]:443",
  },
  {
    nickname: "dannenberg",
    v3Identity: "0232AF901C31A04EE9848595AF9BB7620D4C5B2E",
    fingerprint: "7BE683E65D48141321C5ED92F075C55364AC7123",
    address: "193.23.244.244",
    orPort: 443,
    dirPort: 80,
    ipv6: "[2001:678:558:1000::244]:443",
  },
  {
    // The usual ports, swapped.
    nickname: "maatuska",
    v3Identity: "49015F787433103580E3B66A1707A00E60F2D15B",
    fingerprint: "BD6A829255CB08E66FBE7D3748363586E46B3810",
    address: "171.25.193.9",
    orPort: 80,
    dirPort: 443,
    ipv6: "[2001:67c:289c::9]:80",
  },
  {
    nickname: "longclaw",
    v3Identity: "23D15D965BC35114467363C165C4F724B64B4F66",
    fingerprint: "74A910646BCEEFBCD2E874FC1DC997430F968145",
    address: "199.58.81.140",
    orPort: 443,
    dirPort: 80,
    since: "2017-01-01",
  },
  {
    nickname: "bastet",
    v3Identity: "27102BC123E7AF1D4741AE047E160C91ADC76B21",
    fingerprint: "24E2F139121D4394C54B5BCC368B3B411857C413",
    address: "204.13.164.118",
    orPort: 443,
    dirPort: 80,
    ipv6: "[2620:13:4000:6000::1000:118]:443",
  },
  {
    nickname: "faravahar",
    v3Identity: "70849B868D606BAECFB6128C5E3D782029AA394F",
    fingerprint: "E3E42D35F801C9D5AB23584E0025D56FE2B33396",
    address: "216.218.219.41",
    orPort: 443,
    dirPort: 80,
    since: "2024-06-06",
  },
  {
    // The bridge authority: signs no consensus.
    nickname: "Serge",
    fingerprint: "BA44A889E64B93FAA2B114E02C2A279A8555C533",
    address: "66.111.2.131",
    orPort: 9001,
    dirPort: 9030,
  },

  {
    nickname: "moria1",
    v3Identity: "D586D18309DED4CD6D57C18FDB97EFA96D330566",
    fingerprint: "9695DFC35FFEB861329B9F1AB04C46397020CE31",
    address: "128.31.0.39",
    orPort: 9101,
    dirPort: 9131,
    until: "2022-12-06",
  },
  {
    nickname: "tor26",
    v3Identity: "14C131DFC5C6F93646BE72FA1401C02A8DF2E8B4",
    fingerprint: "847B1F850344D7876491A54892F904934E4EB85D",
    address: "86.59.21.38",
    orPort: 443,
    dirPort: 80,
    ipv6: "[2001:858:2:2:aabb:0:563b:1526]:443",
    until: "2024-04-10",
  },
  {
    nickname: "dizum",
    v3Identity: "E8A9C45EDE6D711294FADF8E7951F4DE6CA56B58",
    fingerprint: "7EA6EAD6FD83083C538F44038BBFA077587DD755",
    address: "45.66.33.45",
    orPort: 443,
    dirPort: 80,
    since: "2019-01-01",
    until: "2022-11-30",
  },
  {
    nickname: "dizum",
    v3Identity: "E8A9C45EDE6D711294FADF8E7951F4DE6CA56B58",
    fingerprint: "7EA6EAD6FD83083C538F44038BBFA077587DD755",
    address: "194.109.206.212",
    orPort: 443,
    dirPort: 80,
    until: "2019-12-31",
  },
  {
    nickname: "longclaw",
    v3Identity: "23D15D965BC35114467363C165C4F724B64B4F66",
    fingerprint: "74A910646BCEEFBCD2E874FC1DC997430F968145",
    address: "199.254.238.52",
    orPort: 443,
    dirPort: 80,
    until: "2017-12-31",
  },
  {
    nickname: "Faravahar",
    v3Identity: "EFCBE720AB3A82B99F9E953CD5BF50F7EEFC7B97",
    address: "154.35.175.225",
    orPort: 443,
    dirPort: 80,
    since: "2015-03-09",
    until: "2022-11-10",
  },
  {
    nickname: "Faravahar",
    v3Identity: "EFCBE720AB3A82B99F9E953CD5BF50F7EEFC7B97",
    address: "154.35.32.5",
    orPort: 443,
    dirPort: 80,
    until: "2015-03-31",
  },
  {
    // Same address and ports as today, other v3 identity.
    nickname: "dannenberg",
    v3Identity: "585769C78764D58426B8B52B6651A5A71137189A",
    fingerprint: "7BE683E65D48141321C5ED92F075C55364AC7123",
    address: "193.23.244.244",
    orPort: 443,
    dirPort: 80,
    until: "2015-12-31",
  },
  {
    nickname: "urras",
    v3Identity: "80550987E1D626E3EBA5E5E75A458DE0626D088C",
    fingerprint: "0AD3FA884D18F89EEA2D89C019379E0E7FD94417",
    address: "208.83.223.34",
    orPort: 80,
    dirPort: 443,
    until: "2015-12-31",
  },
  {
    nickname: "turtles",
    v3Identity: "27B6B5996C426270A5C95488AA5BCEB6BCC86956",
    fingerprint: "F397038ADC51336135E7B80BD99CA3844360292B",
    address: "76.73.17.194",
    orPort: 9090,
    dirPort: 9030,
    until: "2014-12-31",
  },
];
