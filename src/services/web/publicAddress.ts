/**
 * Which IP addresses are somebody's public server. Everything is refused that is not: private and
 * shared networks, loopback, link-local (cloud metadata), documentation, multicast, and the IPv6
 * forms that carry an IPv4 address inside. Source: IANA special-purpose address registries.
 */
import { BlockList, isIP } from "node:net"

const special4: ReadonlyArray<readonly [string, number]> = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4]
]

/** Exceptions inside 2000::/3, the only block of global unicast addresses. */
const special6: ReadonlyArray<readonly [string, number]> = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20]
]

const refused4 = new BlockList()
for (const [net, prefix] of special4) refused4.addSubnet(net, prefix, "ipv4")

const refused6 = new BlockList()
for (const [net, prefix] of special6) refused6.addSubnet(net, prefix, "ipv6")

const global6 = new BlockList()
global6.addSubnet("2000::", 3, "ipv6")

/** True for a globally reachable unicast address; false for everything else, also for what is no address at all. */
export const isPublicAddress = (address: string): boolean => {
  if (address.includes("%")) return false
  switch (isIP(address)) {
    case 4:
      return !refused4.check(address, "ipv4")
    case 6:
      return global6.check(address, "ipv6") && !refused6.check(address, "ipv6")
    default:
      return false
  }
}
