"""Sends a packet that no ordinary socket sends. Arguments: what, and to whom. See leaks.ts and reasons.ts."""
import socket
import sys

what, address = sys.argv[1:3]
OWN = socket.inet_aton("192.168.50.2")


def ip_header(protocol, length, fragment=0):
    header = bytes([0x45, 0]) + (20 + length).to_bytes(2, "big") + b"\x12\x34" + fragment.to_bytes(2, "big")
    return header + bytes([64, protocol, 0, 0]) + OWN + socket.inet_aton(address)


def protocol(number, payload):
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, number) as raw:
        raw.sendto(payload, (address, 0))


if what == "gre":
    # Ethertype IPv4, and in it a datagram (RFC 2784).
    inside = ip_header(17, 12) + bytes.fromhex("9c409c40000c0000") + b"leek"
    protocol(47, b"\0\0\x08\0" + inside)
elif what == "sctp":
    # The head of an INIT, port 40000 to 40000 (RFC 9260).
    protocol(132, bytes.fromhex("9c409c400000000000000000") + bytes.fromhex("01000014") + bytes(16))
elif what == "fragment":
    # Not the first one, and no other follows.
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        raw.sendto(ip_header(17, 16, fragment=100) + bytes(16), (address, 0))
elif what == "broken-frame":
    # Says IPv4, and has a header that is none.
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind(("eth0", 0))
        raw.send(bytes.fromhex("020000005001") + bytes.fromhex("020000005002") + b"\x08\0" + b"\xff" * 40)
else:
    sys.exit("unknown: " + what)
