#!/usr/bin/env python3
"""Captures TSIG-signed requests as the real tools send them, into requests.txt beside this file.

Each line: program, algorithm, octets of the MAC, base64 secret, UTC seconds, message in hex.
Run it again only to refresh the fixtures: it needs dig, nsupdate, kdig and knsupdate.
"""
import base64
import pathlib
import socket
import subprocess
import time

KEY = "H1.dyn.example"
SHORT = base64.b64encode(bytes(range(32))).decode()
LONG = base64.b64encode(bytes(range(200))).decode()  # longer than every block: HMAC hashes it first
SCRIPT = """server 127.0.0.1 {port}
zone dyn.example.
prereq nxdomain h1.dyn.example.
update add h1.dyn.example. 60 A 192.0.2.1
update add _http._tcp.h1.dyn.example. 60 SRV 0 0 8001 h1.dyn.example.
update add h1.dyn.example. 60 TXT "path=/"
send
"""


def capture(command, stdin=None):
    """Runs the command against a socket that never answers; the first datagram is what we want."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)
        port = server.getsockname()[1]
        text = stdin.format(port=port) if stdin else None
        child = subprocess.Popen([word.format(port=port) for word in command], text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            if text:
                child.stdin.write(text)
            child.stdin.close()
            octets = server.recv(65535)
        finally:
            child.kill()
            child.wait()
        return octets


def main():
    rows = []

    def row(program, algorithm, mac_octets, secret, octets):
        rows.append(f"{program} {algorithm} {mac_octets} {secret} {int(time.time())} {octets.hex()}")

    sizes = {"hmac-sha1": 20, "hmac-sha224": 28, "hmac-sha256": 32, "hmac-sha384": 48, "hmac-sha512": 64}
    for algorithm, size in sizes.items():
        for secret in (SHORT, LONG):
            key = f"{algorithm}:{KEY}:{secret}"
            dig = ["dig", "-p", "{port}", "@127.0.0.1", "-y", key, "+tries=1", "Www.dyn.example", "SRV"]
            row("dig", algorithm, size, secret, capture(dig))
            row("nsupdate", algorithm, size, secret, capture(["nsupdate", "-t", "2", "-y", key], SCRIPT))
        kdig = ["kdig", "-p", "{port}", "@127.0.0.1", "-y", key, "+retry=0", "dyn.example", "SOA"]
        row("kdig", algorithm, size, secret, capture(kdig))
        row("knsupdate", algorithm, size, secret, capture(["knsupdate", "-r", "0", "-y", key], SCRIPT))
    for algorithm, bits in (("hmac-sha1", 96), ("hmac-sha256", 128), ("hmac-sha384", 192), ("hmac-sha512", 256)):
        key = f"{algorithm}-{bits}:{KEY}:{SHORT}"
        dig = ["dig", "-p", "{port}", "@127.0.0.1", "-y", key, "+tries=1", "dyn.example", "SOA"]
        row("dig", algorithm, bits // 8, SHORT, capture(dig))
    (pathlib.Path(__file__).parent / "requests.txt").write_text("\n".join(rows) + "\n")


main()
