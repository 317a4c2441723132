#!/usr/bin/env python3
"""A provider's dnsd: a million hosts of four records, each with a TSIG key of its own and a lease on each record.

Prints memory and time of: the start from the zone file, the first update of every host, a restart, updates for a while
(each of a host's records, signed by the host's key), a reload, and a restart after a crash. Build first:
    cmake --preset bench && cmake --build --preset bench --target dnsd load
    tests/bench/provider.py --bin build/bench/bin
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import servers

LEASE = 86_000  # seconds, within the default of max-lease


class Provider(servers.Dnsd):
    keys_file = ""

    def configure(self):
        path = self.write(
            "dnsd.toml",
            f"""
listen = ["127.0.0.1:{self.port}"]
key-files = "{self.keys_file}"
[store]
path = "dnsd.sqlite"
[[zone]]
name = "{servers.ZONE}"
file = "{self.zone_file}"
[[zone.grant]]
key = "*.{servers.ZONE}"
names = ["self", "below-self"]
types = ["A", "AAAA", "SRV", "TXT"]
""",
        )
        return [self.binary, "--config", path]

    def log_has(self, text, count):
        with open(self.log, errors="replace") as log:
            return log.read().count(text) >= count


def forget_peak(pid):
    """The peak is counted from now on (proc(5), clear_refs)."""
    with open(f"/proc/{pid}/clear_refs", "w") as clear:
        clear.write("5")


def resident_mib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024


class Bench:
    def __init__(self, args, folder):
        self.args = args
        self.folder = folder
        zone_file = os.path.join(folder, "zone")
        with open(zone_file, "w") as out:
            make_zone = os.path.join(os.path.dirname(os.path.abspath(__file__)), "make_zone")
            subprocess.run([make_zone, str(args.hosts), servers.ZONE], stdout=out, check=True)
        Provider.keys_file = os.path.join(folder, "keys")
        with open(os.open(Provider.keys_file, os.O_CREAT | os.O_WRONLY, 0o600), "w") as out:
            out.writelines(f"h{i:07d}.{servers.ZONE}:{servers.SECRET}\n" for i in range(args.hosts))
        self.server = Provider(os.path.join(folder, "server"), zone_file, None)

    def say(self, what, figures):
        pid = self.server.process.pid
        print(f"{what:44}{figures:34}{resident_mib(pid):6,.0f} MiB, at most {servers.peak_mib(pid):6,.0f}", flush=True)

    def start(self, what):
        cores = sorted(os.sched_getaffinity(0))
        seconds = self.server.start(cores=cores)
        cpu = servers.cpu_seconds(self.server.process.pid)
        self.say(what, f"{seconds:6.2f} s to an answer, {cpu:.2f} s CPU")
        self.server.settle()
        self.say("  … when it rests", f"{servers.cpu_seconds(self.server.process.pid):.2f} s CPU")

    def load(self, *options):
        command = [os.path.join(self.args.bin, "load"), "update", "--key", "unused.", "--secret", servers.SECRET,
                   "--key-each", "--lease", str(LEASE), "--window", "100", "--hosts", str(self.args.hosts),
                   "--zone", servers.ZONE, "--server", f"127.0.0.1:{self.server.port}",
                   "--pid", str(self.server.process.pid), *options]
        ran = subprocess.run(command, capture_output=True, text=True)
        if not ran.stdout.startswith("{"):
            raise RuntimeError(f"load failed: {ran.stderr.strip()}")
        figure = json.loads(ran.stdout)
        if figure["wrong"]:
            raise RuntimeError(f"{figure['wrong']} wrong answers: {ran.stderr.strip()}")
        return f"{figure['per_second']:6,.0f}/s, p99 {figure['p99_ms']:.1f} ms, {figure['lost']} lost"

    def reload(self):
        pid = self.server.process.pid
        before, started = servers.cpu_seconds(pid), time.monotonic()
        forget_peak(pid)
        self.server.process.send_signal(signal.SIGHUP)
        while not self.server.log_has("reloaded ", 1):
            if self.server.log_has("[error]", 1) or time.monotonic() - started > 120:
                raise RuntimeError(f"it does not reload: {self.server.last_words()}")
            time.sleep(0.02)
        self.say("reload", f"{time.monotonic() - started:6.2f} s, {servers.cpu_seconds(pid) - before:.2f} s CPU")
        self.server.settle()

    def run(self):
        server = self.server
        try:
            self.start("start from the zone file")
            self.say("each host's first update", self.load("--once", "--warm-up", "0", "--seconds", "3600"))
            server.settle()
            self.say("  … when it rests", "")
            server.stop()
            self.start("restart")
            seconds = self.args.seconds
            self.say(f"updates for {seconds:g} s", self.load("--seconds", str(seconds)))
            server.settle()
            self.say("  … when it rests", "")
            self.reload()
            self.say("updates for 5 s", self.load("--seconds", "5"))
            server.kill()
            self.start("restart after kill -9")
        finally:
            server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="folder of dnsd and load")
    parser.add_argument("--hosts", type=int, default=1_000_000, help="%(default)s")
    parser.add_argument("--seconds", type=float, default=600, help="of updates (600)")
    args = parser.parse_args()
    args.bin = os.path.abspath(args.bin)
    servers.Dnsd.binary = os.path.join(args.bin, "dnsd")
    # Beside the build, so that updates meet a disk and not a tmpfs.
    folder = tempfile.mkdtemp(prefix="provider-", dir=os.path.dirname(args.bin))
    try:
        Bench(args, folder).run()
    except (RuntimeError, OSError) as error:
        sys.exit(f"provider: {error}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
