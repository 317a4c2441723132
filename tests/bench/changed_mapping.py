#!/usr/bin/env python3
"""How long a visitor is led astray: from a changed MAP answer at pcp-ddns until dnsd answers with the new endpoint.

A scripted PCP server moves the mapping and says so (RFC 6887 §14.2), again and again; the time runs from the datagram to
the first answer with the new port, which a client asks for every 0.2 ms. Between are the agent's state on disk, a signed
UPDATE, and dnsd's commit on disk. Build first:
    cmake --preset release && cmake --build --preset release --target dnsd pcp-ddns
    tests/bench/changed_mapping.py --bin build/bin
"""
import argparse
import contextlib
import os
import random
import shutil
import socket
import struct
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../system"))
import dns  # noqa: E402
from harness import Process, free_port, key  # noqa: E402
from pcp import PcpServer  # noqa: E402

ZONE = "dyn.example."
HOST = f"h1.{ZONE}"
WEB = f"_http._tcp.{HOST}"


class Scene(contextlib.ExitStack):
    """dnsd, a scripted PCP server, and an agent between them; all stop at the end."""

    addCleanup = contextlib.ExitStack.callback

    def __init__(self, folder, programs, services):
        super().__init__()
        self.folder, self.programs, self.port = folder, programs, free_port()
        self.pcp = PcpServer(self)
        one = key(HOST)
        self.write("dyn.zone", f"$ORIGIN {ZONE}\n@ 60 IN SOA ns h 1 3600 600 604800 60\n@ 60 IN NS ns\nns 60 IN A 127.0.0.1\n")
        self.write("dnsd.toml", f'listen = ["127.0.0.1:{self.port}"]\n[store]\npath = "dnsd.sqlite"\n'
                   f'[[key]]\nname = "{HOST}"\nsecret = "{one.secret}"\n[[zone]]\nname = "{ZONE}"\nfile = "dyn.zone"\n'
                   f'[[zone.grant]]\nkey = "{HOST}"\nupdate = true\n')
        self.write("agent.toml", f'state = "agent.state"\n[pcp]\nservers = ["{self.pcp.name}"]\n'
                   'accept-external = ["198.51.100.0/24", "203.0.113.0/24"]\n'
                   f'[[provider]]\nzone = "{ZONE}"\nserver = "127.0.0.1:{self.port}"\n'
                   f'key = {{ name = "{HOST}", algorithm = "hmac-sha256", secret = "{one.secret}" }}\n{services}')
        self.sock = self.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.sock.settimeout(0.05)
        self.sock.connect(("127.0.0.1", self.port))

    def write(self, name, text):
        path = os.open(os.path.join(self.folder, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(path, "w") as out:
            out.write(text)

    def start(self, program, config):
        process = Process([os.path.join(self.programs, program), "--config", os.path.join(self.folder, config)])
        self.callback(lambda: process.process.poll() is None and process.kill())
        return process

    def srv_port(self, owner):
        """None while there is no answer, or none with a record."""
        octets = dns.query(owner, "SRV")
        try:
            self.sock.send(octets)
            answer = self.sock.recv(4096)
            while answer[:2] != octets[:2]:
                answer = self.sock.recv(4096)
        except OSError:
            return None
        records = dns.Message(answer).answer
        return struct.unpack("!H", records[0].data[4:6])[0] if len(records) == 1 else None


def measure(scene, samples):
    took = []
    for number in range(samples):
        time.sleep(random.uniform(0.15, 0.25))
        port = 9001 + number % 50_000
        begin = time.monotonic()
        scene.pcp.update(external=f"203.0.113.{number % 250 + 1}", port=port)
        while scene.srv_port(WEB) != port:
            if time.monotonic() - begin > 60:
                raise SystemExit("the new endpoint has not come within a minute")
            time.sleep(0.0002)
        took.append(1000 * (time.monotonic() - begin))
    return sorted(took)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/bin")
    parser.add_argument("--samples", type=int, default=500)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="dnsd-bench-")
    try:
        service = f'[[service]]\nhost = "{HOST}"\ntype = "_http._tcp"\nport = 8000\nexternal-port = 8001\n'
        with Scene(folder, options.bin, service) as scene:
            scene.start("dnsd", "dnsd.toml").wait_for("ready|listening|serving")
            scene.start("pcp-ddns", "agent.toml")
            while scene.srv_port(WEB) != 8001:
                time.sleep(0.01)
            took = measure(scene, options.samples)
    finally:
        shutil.rmtree(folder)
    at = {name: took[min(len(took) - 1, len(took) * share // 1000)] for name, share in (("median", 500), ("p90", 900), ("p99", 990))}
    print(f"from a changed MAP answer to the new name, {len(took)} times, ms: "
          + ", ".join(f"{name} {one:.2f}" for name, one in at.items()) + f", longest {took[-1]:.2f}")


if __name__ == "__main__":
    main()
