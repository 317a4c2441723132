#!/usr/bin/env python3
"""Captures what BIND, Knot and NSD answer to signed requests, into responses.txt beside this file.

Each line: server, what was asked, algorithm, UTC seconds of the request, the request without its TSIG in hex, then each
message of the answer in hex. The key is key.example. with the octets 0 to 31; a client that signs the request at that
time makes the very MAC that the server saw. Run it again only to refresh the fixtures.
"""
import base64
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import vectors  # noqa: E402

SECRET = base64.b64encode(vectors.SECRET).decode()
ALGORITHMS = ("hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512")
ZONE = "$TTL 60\n@ SOA ns.example.org. host.example.org. 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\n" + "".join(
    f"h{i} TXT \"{'x' * 100}\"\n" for i in range(30))


def key_name(algorithm):
    return "key.example" if algorithm == "hmac-sha256" else algorithm + ".example"


def free_port():
    with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        udp.bind(tcp.getsockname())
        return tcp.getsockname()[1]


def bind_config(folder, port):
    keys = "".join(f'key "{key_name(a)}" {{ algorithm {a}; secret "{SECRET}"; }};\n' for a in ALGORITHMS)
    (folder / "named.conf").write_text(keys + f"""
options {{ directory "{folder}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; pid-file none;
  recursion no; dnssec-validation no; transfer-message-size 512; allow-transfer {{ key "key.example"; }}; }};
controls {{ }};
zone "example.org" {{ type primary; file "zone"; }};
""")
    return ["named", "-f", "-c", str(folder / "named.conf")]


def knot_config(folder, port):
    keys = "".join(f"  - id: {key_name(a)}\n    algorithm: {a}\n    secret: {SECRET}\n" for a in ALGORITHMS)
    acl = "".join(f"  - id: acl-{a}\n    key: {key_name(a)}\n    action: [transfer, query]\n" for a in ALGORITHMS)
    (folder / "knot.conf").write_text(f"""server:
  listen: 127.0.0.1@{port}
  rundir: {folder}
database:
  storage: {folder}
key:
{keys}acl:
{acl}zone:
  - domain: example.org
    file: {folder}/zone
    acl: [{", ".join("acl-" + a for a in ALGORITHMS)}]
""")
    return ["knotd", "-c", str(folder / "knot.conf"), "-s", str(folder / "knot.sock")]


def nsd_config(folder, port):
    keys = "".join(f'key:\n  name: "{key_name(a)}"\n  algorithm: {a}\n  secret: "{SECRET}"\n' for a in ALGORITHMS)
    (folder / "nsd.conf").write_text(f"""server:
  ip-address: 127.0.0.1@{port}
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/nsd.pid"
  zonelistfile: "{folder}/zone.list"
  xfrdfile: "{folder}/xfrd.state"
  xfrdir: "{folder}"
  server-count: 1
remote-control:
  control-enable: no
{keys}zone:
  name: example.org
  zonefile: zone
  provide-xfr: 127.0.0.1 key.example
""")
    return ["nsd", "-d", "-c", str(folder / "nsd.conf")]


def ask_udp(port, octets):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(octets, ("127.0.0.1", port))
        return client.recv(65535)


def receive(client, size):
    octets = b""
    while len(octets) < size:
        octets += client.recv(size - len(octets)) or sys.exit("the connection ended early")
    return octets


def ask_axfr(port, octets):
    """All messages until the second SOA."""
    messages = []
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(struct.pack(">H", len(octets)) + octets)
        while True:
            messages.append(receive(client, struct.unpack(">H", receive(client, 2))[0]))
            # The SOA's RDATA begins with this name in full only once: count its fixed end instead.
            if sum(message.count(struct.pack(">IIIII", 1, 3600, 600, 86400, 60)) for message in messages) == 2:
                return messages


def wait_for(port):
    query = vectors.header(1, 0) + vectors.name("example.org") + struct.pack(">HH", 6, 1)
    for _ in range(100):
        try:
            if ask_udp(port, query)[3] & 15 == 0:
                return
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit("the server does not start")


def main():
    rows = []
    for server, configure in (("bind", bind_config), ("knot", knot_config), ("nsd", nsd_config)):
        folder = pathlib.Path(tempfile.mkdtemp())
        (folder / "zone").write_text(ZONE)
        port = free_port()
        child = subprocess.Popen(configure(folder, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(port)
            soa = vectors.name("example.org") + struct.pack(">HH", 6, 1)
            axfr = vectors.name("example.org") + struct.pack(">HH", 252, 1)
            now = int(time.time())

            def row(kind, algorithm, when, plain, messages):
                texts = [message.hex() for message in messages]
                rows.append(" ".join([server, kind, algorithm, str(when), plain.hex(), *texts]))

            for number, algorithm in enumerate(ALGORITHMS):
                plain = vectors.header(0x1000 + number, 0) + soa
                signed, _ = vectors.sign(plain, key=key_name(algorithm), algorithm=algorithm, when=now)
                row("answer", algorithm, now, plain, [ask_udp(port, signed)])
            plain = vectors.header(0x2000, 0) + soa
            signed, _ = vectors.sign(plain, when=now)
            row("badsig", "hmac-sha256", now, plain, [ask_udp(port, signed[:-7] + bytes([signed[-7] ^ 1]) + signed[-6:])])
            signed, _ = vectors.sign(plain, key="unknown.example", when=now)
            row("badkey", "hmac-sha256", now, plain, [ask_udp(port, signed)])
            signed, _ = vectors.sign(plain, when=now - 1000)
            row("badtime", "hmac-sha256", now - 1000, plain, [ask_udp(port, signed)])
            plain = vectors.header(0x3000, 0) + axfr
            signed, _ = vectors.sign(plain, when=now)
            row("axfr", "hmac-sha256", now, plain, ask_axfr(port, signed))
        finally:
            child.terminate()
            child.wait()
            shutil.rmtree(folder)
    (pathlib.Path(__file__).parent / "responses.txt").write_text("\n".join(rows) + "\n")


main()
