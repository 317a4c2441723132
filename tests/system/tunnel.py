"""One end of an IPv4-in-IPv6 tunnel (RFC 2473), for kernels that have none: tunnel.py DEVICE LOCAL REMOTE."""
import fcntl
import os
import selectors
import socket
import struct
import sys

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
IPIP = 4  # the next header of IPv4 in IPv6


def main(device, local, remote):
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", device.encode(), IFF_TUN | IFF_NO_PI))
    outer = socket.socket(socket.AF_INET6, socket.SOCK_RAW, IPIP)
    outer.bind((local, 0))
    outer.connect((remote, 0))  # and nobody else's packets come in
    print("tunnel", flush=True)
    ways = selectors.DefaultSelector()
    ways.register(tun, selectors.EVENT_READ, lambda: outer.send(os.read(tun, 65535)))
    ways.register(outer, selectors.EVENT_READ, lambda: os.write(tun, outer.recv(65535)))
    while True:
        for ready, _ in ways.select():
            try:
                ready.data()
            except OSError:  # IPv6 is none of its business; the other end may be away
                pass


if __name__ == "__main__":
    main(*sys.argv[1:])
