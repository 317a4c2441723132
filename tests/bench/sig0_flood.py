#!/usr/bin/env python3
"""What a flood of bad SIG(0) updates costs everybody else: queries, TSIG updates, honest SIG(0) updates, with and without it.

The flood names a signer that has a key, with the right key tag, and forges its sources (127.0.0.0/8). dnsd has one core, the
load another one; phases alternate, so that what the machine does besides hits both alike. Build first:
    cmake --preset bench && cmake --build build/bench --target dnsd dnsd-update load
    tests/bench/sig0_flood.py --bin build/bench/bin
"""
import argparse
import json
import os
import random
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

import servers

SIGNER = "signer.dyn.example."
ALGORITHMS = {"ED25519": (15, 64), "ECDSAP256SHA256": (13, 64), "ECDSAP384SHA384": (14, 96), "RSASHA256": (8, 256)}
IP_PKTINFO = 8


class Dnsd(servers.Dnsd):
    """With a KEY record for the signer, that may change the whole zone."""

    def __init__(self, *args, key):
        super().__init__(*args)
        self.key = key

    def configure(self):
        zone = self.write("flood.zone", open(self.zone_file).read() + self.key)
        self.zone_file = zone
        command = super().configure()
        with open(command[-1], "a") as out:
            out.write(f'[[zone.grant]]\nkey = "{SIGNER}"\nupdate = true\n')
        return command


def generate(folder, algorithm):
    more = ["-b", "2048"] if algorithm.startswith("RSA") else []
    stem = subprocess.run(["dnssec-keygen", "-q", "-K", folder, "-T", "KEY", "-n", "HOST", "-a", algorithm, *more, SIGNER],
                          check=True, capture_output=True, text=True).stdout.strip()
    with open(os.path.join(folder, stem + ".key")) as lines:
        record = next(line for line in lines if not line.startswith(";"))
    return os.path.join(folder, stem + ".private"), record, int(stem.rsplit("+", 1)[1])


class Flood(threading.Thread):
    """Sends until it is stopped; counts what it sent."""

    def __init__(self, port, rate, algorithm, tag):
        super().__init__(daemon=True)
        self.port, self.rate, self.tag = port, rate, tag
        self.algorithm, self.signature_size = ALGORITHMS[algorithm]
        self.sent, self.stopping = 0, False

    def message(self):
        now = int(time.time())
        zone = servers.wire_name(servers.ZONE)
        added = servers.wire_name(f"x{random.getrandbits(32)}." + servers.ZONE) + struct.pack("!HHIH4B", 1, 1, 60, 4, 192, 0, 2, 1)
        rdata = struct.pack("!HBBIIIH", 0, self.algorithm, 0, 0, now + 300, now - 300, self.tag) + servers.wire_name(
            SIGNER) + random.randbytes(self.signature_size)
        return (struct.pack("!6H", random.getrandbits(16), 5 << 11, 1, 0, 1, 1) + zone + struct.pack("!2H", 6, 1) + added +
                b"\0" + struct.pack("!HHIH", 24, 255, 0, len(rdata)) + rdata)

    def run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("0.0.0.0", 0))
            started = time.monotonic()
            while not self.stopping:
                due = int((time.monotonic() - started) * self.rate)
                for _ in range(min(due - self.sent, 100)):
                    source = bytes([127, random.randrange(1, 255), random.randrange(256), random.randrange(1, 255)])
                    info = struct.pack("@i4s4s", 0, source, b"\0" * 4)
                    sock.sendmsg([self.message()], [(socket.IPPROTO_IP, IP_PKTINFO, info)], 0, ("127.0.0.1", self.port))
                    self.sent += 1
                if due <= self.sent:
                    time.sleep(0.001)
            self.seconds = time.monotonic() - started

    def stop(self):
        self.stopping = True
        self.join()


class Bench:
    def __init__(self, args, folder, cores):
        self.args, self.folder, self.cores = args, folder, cores
        self.private, key, self.tag = generate(folder, args.algorithm)
        zone_file = os.path.join(folder, "zone")
        with open(zone_file, "w") as out:
            subprocess.run([os.path.join(os.path.dirname(os.path.abspath(__file__)), "make_zone"), str(args.hosts),
                            servers.ZONE], stdout=out, check=True)
        self.server = Dnsd(os.path.join(folder, "dnsd"), zone_file, cores[0], key=key)

    def load(self, *command):
        ran = subprocess.run(["taskset", "-c", str(self.cores[1]), os.path.join(self.args.bin, "load"), *command, "--server",
                              f"127.0.0.1:{self.server.port}", "--zone", servers.ZONE, "--hosts", str(self.args.hosts),
                              "--seconds", str(self.args.seconds), "--pid", str(self.server.process.pid)],
                             capture_output=True, text=True)
        if not ran.stdout.startswith("{"):
            raise RuntimeError(ran.stderr)
        return json.loads(ran.stdout)

    def queries(self):
        return self.load("query")["per_second"]

    def tsig_updates(self):
        return self.load("update", "--key", servers.KEY, "--secret", servers.SECRET, "--window", "50")["per_second"]

    def sig0_updates(self):
        """Percentage of `--honest` updates that succeed: each a client of its own that asks over UDP, and over TCP when told so;
        50 a second at the most, half of what one source may ask for."""
        done = 0
        for number in range(self.args.honest):
            due = time.monotonic() + 0.02
            ran = subprocess.run([os.path.join(self.args.bin, "dnsd-update"), "-k", self.private], capture_output=True, text=True,
                                 input=f"server 127.0.0.1 {self.server.port}\nzone {servers.ZONE}\n"
                                       f"add honest{number}-{random.getrandbits(32)}.{servers.ZONE} 60 A 192.0.2.1\nsend\n")
            done += ran.returncode == 0
            time.sleep(max(0, due - time.monotonic()))
        return 100 * done / self.args.honest

    def cpu_of_flood(self):
        """Percentage of a core that the flood alone takes of dnsd: what it takes away from queries when they use the whole core.
        Says more than the rows of the table when others use the machine."""
        self.server.settle()
        flood = Flood(self.server.port, self.args.rate, self.args.algorithm, self.tag)
        before = servers.cpu_seconds(self.server.process.pid)
        flood.start()
        time.sleep(2 * self.args.seconds)
        flood.stop()
        after = servers.cpu_seconds(self.server.process.pid)
        print(f"The flood alone ({flood.sent / flood.seconds:,.0f}/s) takes {100 * (after - before) / flood.seconds:.1f} % of a core.")

    def run(self):
        self.server.start()
        try:
            self.cpu_of_flood()
            rows = {"queries/s": self.queries, "TSIG updates/s": self.tsig_updates, "honest SIG(0) updates, %": self.sig0_updates}
            print(f"| {self.args.algorithm} | calm | flood of {self.args.rate}/s | ratio |\n|---|---|---|---|")
            for name, measure in rows.items():
                calm, flooded, rates = [], [], []
                for _ in range(self.args.rounds):
                    calm.append(measure())
                    flood = Flood(self.server.port, self.args.rate, self.args.algorithm, self.tag)
                    flood.start()
                    time.sleep(0.5)
                    flooded.append(measure())
                    flood.stop()
                    rates.append(flood.sent / flood.seconds)
                before, after = statistics.median(calm), statistics.median(flooded)
                print(f"| {name} | {before:,.1f} | {after:,.1f} (sent {statistics.median(rates):,.0f}/s) | {after / before:.2f} |",
                      flush=True)
        finally:
            self.server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/bench/bin", help="where dnsd, dnsd-update and load are")
    parser.add_argument("--rate", type=int, default=5000, help="bad messages a second")
    parser.add_argument("--algorithm", choices=ALGORITHMS, default="ED25519", help="of the signer's key")
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--honest", type=int, default=200, help="honest SIG(0) updates in a phase")
    parser.add_argument("--seconds", type=float, default=3, help="of a phase")
    parser.add_argument("--rounds", type=int, default=3, help="calm and flood by turns; medians are printed")
    args = parser.parse_args()
    args.bin = os.path.abspath(args.bin)
    servers.Dnsd.binary = os.path.join(args.bin, "dnsd")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("two cores are needed")
    os.sched_setaffinity(0, {cores[1]})
    folder = tempfile.mkdtemp(prefix="sig0-flood-")
    try:
        Bench(args, folder, cores).run()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
