#!/usr/bin/env python3
"""Measures dnsd beside Knot, NSD, BIND, YADIFA and PowerDNS, and prints one table. tests/bench/run builds what it needs
and calls it."""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import servers

QUERY_LOADS = {
    "UDP: A, SRV, TXT": ["--window", "200"],
    "UDP: the same, half of the names do not exist": ["--window", "200", "--nxdomain", "50"],
    "TCP: 20 connections, 10 queries on their way on each": ["--window", "200", "--tcp", "20"],
    "TCP: a connection for each query, 50 at a time": ["--window", "50", "--tcp-each"],
}
UPDATE_LOADS = {
    "1 in flight": ["--window", "1"],
    "100 in flight": ["--window", "100"],
    "1,000 a second, evenly": ["--window", "256", "--rate", "1000"],
}
SIGNED = ["--key", servers.KEY, "--secret", servers.SECRET]
UPDATES_BESIDE = 1_000  # a second


class Table:
    """Collects figures by row and server; prints medians."""

    def __init__(self):
        self.figures = {}

    def add(self, row, server, figure):
        self.figures.setdefault((row, server), []).append(figure)

    def median(self, row, server, field):
        figures = self.figures.get((row, server))
        return statistics.median(figure[field] for figure in figures) if figures else None


class Lag:
    """Looks once a second how many names dnsd's checkpoint is behind its journal; other servers do not tell."""

    def __init__(self, server):
        self.address = getattr(server, "metrics", None)
        self.most = 0 if self.address else None
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        if self.address:
            self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        if self.address:
            self.thread.join()

    def run(self):
        while not self.done.wait(1):
            with urllib.request.urlopen(f"http://{self.address}/metrics", timeout=10) as answer:
                for line in answer.read().decode().splitlines():
                    if line.startswith("dnsd_checkpoint_lag_names "):
                        self.most = max(self.most, int(float(line.split()[1])))


class Bench:
    def __init__(self, args, folder, cores):
        self.args = args
        self.folder = folder
        self.server_core, self.generator_core = cores
        self.table = Table()
        self.notes = []

    def zone_file(self, hosts):
        path = os.path.join(self.folder, f"zone-{hosts}")
        if not os.path.exists(path):
            with open(path, "w") as out:
                subprocess.run(
                    [os.path.join(os.path.dirname(__file__), "make_zone"), str(hosts), servers.ZONE],
                    stdout=out, check=True,
                )
        return path

    def load_command(self, server, hosts, *more, seconds):
        command = ["taskset", "-c", str(self.generator_core), os.path.join(self.args.bin, "load"), *more]
        command += ["--server", f"127.0.0.1:{server.port}", "--zone", servers.ZONE, "--hosts", str(hosts)]
        return command + ["--seconds", str(seconds), "--pid", str(server.process.pid)]

    def load(self, server, hosts, *more, seconds=None):
        command = self.load_command(server, hosts, *more, seconds=seconds or self.args.seconds)
        ran = subprocess.run(command, capture_output=True, text=True)
        return self.figure(server, ran.stdout, ran.stderr)

    def figure(self, server, out, errors):
        if not out.startswith("{"):
            raise RuntimeError(f"load failed with {server.name}: {errors.strip()}")
        figure = json.loads(out)
        if figure["wrong"]:
            self.notes.append(f"{server.name}: {figure['wrong']} wrong answers ({errors.strip()})")
        return figure

    def start_all(self, hosts, want):
        started = []
        try:
            for key in self.args.servers:
                kind = servers.ALL[key]
                if not want(kind):
                    continue
                server = kind(os.path.join(self.folder, f"{key}-{hosts}"), self.zone_file(hosts), self.server_core)
                started.append(server)
                server.start()
                server.settle()
        except BaseException:
            self.stop_all(started)
            raise
        return started

    @staticmethod
    def stop_all(started):
        for server in started:
            server.stop()
            shutil.rmtree(server.folder, ignore_errors=True)

    def starts(self, hosts):
        """Each alone, on all cores: from the zone file, and again from what it keeps itself."""
        cores = sorted(os.sched_getaffinity(0))
        for round_number in range(self.args.rounds):
            for key in self.args.servers:
                if key == "echo":
                    continue
                kind = servers.ALL[key]
                self.progress(f"starts, {hosts} hosts, round {round_number + 1}: {kind.name}")
                server = kind(os.path.join(self.folder, f"{key}-{hosts}"), self.zone_file(hosts), self.server_core)
                try:
                    for what in ("first start", "start"):
                        seconds = server.start(cores=cores)
                        server.settle()
                        pid = server.process.pid
                        self.table.add(f"{what} {hosts}", server.name, {
                            "seconds": seconds, "mib": servers.memory_mib(pid), "peak": servers.peak_mib(pid)})
                finally:
                    self.stop_all([server])

    def queries(self, hosts):
        started = self.start_all(hosts, lambda kind: True)
        try:
            for round_number in range(self.args.rounds):
                for load, options in QUERY_LOADS.items():
                    for server in started:
                        if server.name == "echo" and load.startswith("TCP"):
                            continue
                        self.progress(f"queries, {hosts} hosts, round {round_number + 1}: {server.name}")
                        echo = ["--echo"] if server.name == "echo" else []
                        figure = self.load(server, hosts, "query", *options, *echo)
                        if figure["generator_was_the_limit"]:
                            self.notes.append(f"{server.name}: the generator was the limit, not the server")
                        self.table.add(f"queries {hosts} {load}", server.name, figure)
        finally:
            self.stop_all(started)

    def updates(self, hosts):
        started = self.start_all(hosts, lambda kind: kind.takes_updates)
        try:
            for round_number in range(self.args.rounds):
                for load, options in UPDATE_LOADS.items():
                    for server in started:
                        self.progress(f"updates, {hosts} hosts, round {round_number + 1}: {server.name}")
                        before = servers.cpu_seconds(server.process.pid)
                        figure = self.load(
                            server, hosts, "update", *options, *SIGNED,
                        )
                        server.settle()  # what it put off (a checkpoint) belongs to its cost, not to the next one's
                        figure["all_cpu_ms"] = (
                            (servers.cpu_seconds(server.process.pid) - before) * 1000
                            * figure["seconds"] / (figure["seconds"] + 0.5)
                        )
                        figure["cpu_ms_each"] = figure["all_cpu_ms"] / max(1, figure["answers"])
                        self.table.add(f"updates {hosts} {load}", server.name, figure)
        finally:
            self.stop_all(started)

    def beside(self, hosts):
        """Queries without and with updates beside them, in turns."""
        started = self.start_all(hosts, lambda kind: kind.takes_updates)
        query = ["query", "--window", "200"]
        try:
            for round_number in range(self.args.rounds):
                for server in started:
                    self.progress(f"queries beside updates, {hosts} hosts, round {round_number + 1}: {server.name}")
                    self.table.add(f"alone {hosts}", server.name, self.load(server, hosts, *query))
                    # They begin before the queries and end after them.
                    updates = subprocess.Popen(
                        self.load_command(server, hosts, "update", "--window", "256", "--rate", str(UPDATES_BESIDE),
                                          *SIGNED, seconds=self.args.seconds + 2),
                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                    try:
                        time.sleep(1)
                        self.table.add(f"beside {hosts}", server.name, self.load(server, hosts, *query))
                    finally:
                        out, errors = updates.communicate()
                    self.table.add(f"updates beside {hosts}", server.name, self.figure(server, out, errors))
                    server.settle()
        finally:
            self.stop_all(started)

    def sustained(self, hosts, seconds):
        """Each alone, one after the other: a burst only writes a journal, what comes after that counts as well."""
        for key in self.args.servers:
            if not servers.ALL[key].takes_updates:
                continue
            for server in self.start_all(hosts, lambda kind, key=key: kind is servers.ALL[key]):
                try:
                    self.progress(f"sustained updates, {hosts} hosts, {seconds:g} s: {server.name}")
                    with Lag(server) as lag:
                        figure = self.load(server, hosts, "update", "--window", "100", *SIGNED, seconds=seconds)
                    begin = time.monotonic()
                    server.settle()
                    figure |= {"lag": lag.most, "settled": time.monotonic() - begin,
                               "peak": servers.peak_mib(server.process.pid)}
                    self.table.add(f"sustained {hosts}", server.name, figure)
                finally:
                    self.stop_all([server])

    def progress(self, text):
        if sys.stderr.isatty():
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    def ratio(self, row, server, other, field):
        mine, theirs = self.table.median(row, server, field), self.table.median(row, other, field)
        return f"{mine / theirs:10.2f}" if mine and theirs else f"{'–':>10}"

    def names(self, row):
        return [name for found, name in self.table.figures if found == row]

    def print(self):
        args = self.args
        self.progress("")
        for hosts in args.query_hosts:
            for load in QUERY_LOADS:
                row = f"queries {hosts} {load}"
                print(f"\nQueries, {hosts:,} hosts, {load}")
                others = self.names(row)
                heads = "".join(f"{'÷ ' + name:>10}" for name in others if name != "dnsd")
                print(f"  {'':8}{'answers/s':>12}{'per CPU-s':>12}{heads}{'lost':>8}")
                for name in self.names(row):
                    ratios = "".join(
                        self.ratio(row, name, other, "per_cpu_second") for other in others if other != "dnsd"
                    )
                    print(f"  {name:8}{self.table.median(row, name, 'per_second'):12,.0f}"
                          f"{self.table.median(row, name, 'per_cpu_second'):12,.0f}{ratios}"
                          f"{self.table.median(row, name, 'lost'):8,.0f}")
        for hosts in [] if args.sustained else args.update_hosts:
            for load in UPDATE_LOADS:
                row = f"updates {hosts} {load}"
                print(f"\nSigned updates, {hosts:,} hosts: {load}")
                others = self.names(row)
                heads = "".join(f"{'÷ ' + name:>10}" for name in others if name != "dnsd")
                print(f"  {'':8}{'updates/s':>12}{heads}{'p50 ms':>10}{'p99 ms':>10}"
                      f"{'CPU ms each':>13}{'lost':>8}")
                for name in self.names(row):
                    ratios = "".join(self.ratio(row, name, other, "per_second") for other in others if other != "dnsd")
                    print(f"  {name:8}{self.table.median(row, name, 'per_second'):12,.0f}{ratios}"
                          f"{self.table.median(row, name, 'p50_ms'):10.2f}{self.table.median(row, name, 'p99_ms'):10.2f}"
                          f"{self.table.median(row, name, 'cpu_ms_each'):13.3f}"
                          f"{self.table.median(row, name, 'lost'):8,.0f}")
        for hosts in args.beside_hosts:
            print(f"\nQueries while {UPDATES_BESIDE:,} updates a second run, {hosts:,} hosts, beside none")
            print(f"  {'':8}{'per CPU-s':>12}{'÷ none':>10}{'p99 ms':>10}{'÷ none':>10}"
                  f"{'updates/s':>12}{'their p99':>11}")
            for name in self.names(f"beside {hosts}"):
                def median(row, field, name=name):
                    return self.table.median(f"{row} {hosts}", name, field)
                rate, latency = median("beside", "per_cpu_second"), median("beside", "p99_ms")
                print(f"  {name:8}{rate:12,.0f}{rate / median('alone', 'per_cpu_second'):10.3f}"
                      f"{latency:10.2f}{latency / median('alone', 'p99_ms'):10.2f}"
                      f"{median('updates beside', 'per_second'):12,.0f}{median('updates beside', 'p99_ms'):11.2f}")
        if args.sustained:
            for hosts in args.update_hosts:
                print(f"\nSigned updates for {args.sustained:g} s, 100 in flight, {hosts:,} hosts")
                print(f"  {'':8}{'updates/s':>12}{'p50 ms':>10}{'p99 ms':>10}{'lost':>8}{'MiB at most':>13}"
                      f"{'names behind':>14}{'s to rest':>11}")
                for name in self.names(f"sustained {hosts}"):
                    def median(field, name=name):
                        return self.table.median(f"sustained {hosts}", name, field)
                    lag = self.table.figures[(f"sustained {hosts}", name)][0]["lag"]
                    print(f"  {name:8}{median('per_second'):12,.0f}{median('p50_ms'):10.2f}{median('p99_ms'):10.2f}"
                          f"{median('lost'):8,.0f}{median('peak'):13,.0f}{'–' if lag is None else f'{lag:,}':>14}"
                          f"{median('settled'):11.1f}")
        for hosts in args.start_hosts:
            for what, title in (("first start", "First start, from the zone file"), ("start", "Every other start")):
                row = f"{what} {hosts}"
                print(f"\n{title}, {hosts:,} hosts ({4 * hosts:,} records)")
                print(f"  {'':8}{'s to the first answer':>24}{'MiB resident':>16}{'MiB at most':>16}")
                for name in self.names(row):
                    print(f"  {name:8}{self.table.median(row, name, 'seconds'):24.2f}"
                          f"{self.table.median(row, name, 'mib'):16,.0f}{self.table.median(row, name, 'peak'):16,.0f}")
        for note in dict.fromkeys(self.notes):
            print(f"note: {note}")


def counts(text):
    return [int(part.replace("_", "")) for part in text.split(",") if part]


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__)
    parser.add_argument("--query-hosts", type=counts, default=[100_000], metavar="N,…",
                        help="zone sizes for the queries (100000)")
    parser.add_argument("--update-hosts", type=counts, default=[1_000, 100_000], metavar="N,…",
                        help="zone sizes for the updates (1000,100000)")
    parser.add_argument("--start-hosts", type=counts, default=[100_000], metavar="N,…",
                        help="zone sizes for the starts (100000)")
    parser.add_argument("--beside-hosts", type=counts, default=[], metavar="N,…",
                        help="zone sizes for queries while updates run (none)")
    parser.add_argument("--sustained", type=float, nargs="?", const=600, default=0, metavar="SECONDS",
                        help="updates on end, 100 in flight, instead of bursts (600 s when none are given)")
    parser.add_argument("--big", action="store_true", help="1,000,000 hosts in all three")
    parser.add_argument("--servers", default="echo,dnsd,knot,nsd,bind,yadifa,pdns", help="of these: %(default)s")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median is shown (3)")
    parser.add_argument("--seconds", type=float, default=3, help="each measurement takes (3)")
    parser.add_argument("--bin", required=True, help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.bin = os.path.abspath(args.bin)  # servers run in folders of their own
    args.servers = args.servers.split(",")
    unknown = [key for key in args.servers if key not in servers.ALL]
    if unknown:
        parser.error(f"no such server: {', '.join(unknown)}")
    if args.big:
        args.query_hosts = sorted({*args.query_hosts, 1_000_000})
        args.update_hosts = sorted({*args.update_hosts, 1_000_000})
        args.start_hosts = sorted({*args.start_hosts, 1_000_000})
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("bench: needs two cores, one for the server and one for the generator")
    servers.Echo.binary = os.path.join(args.bin, "echo")
    servers.Dnsd.binary = os.path.join(args.bin, "dnsd")

    # Beside the build, so that updates meet a disk and not a tmpfs.
    folder = tempfile.mkdtemp(prefix="run-", dir=os.path.dirname(os.path.abspath(args.bin)))
    bench = Bench(args, folder, cores[:2])
    try:
        for hosts in args.start_hosts:
            bench.starts(hosts)
        for hosts in args.query_hosts:
            bench.queries(hosts)
        for hosts in args.beside_hosts:
            bench.beside(hosts)
        for hosts in args.update_hosts:
            if args.sustained:
                bench.sustained(hosts, args.sustained)
            else:
                bench.updates(hosts)
        for key in args.servers:
            print(f"{servers.ALL[key].name:8}{servers.ALL[key].version()}")
        bench.print()
    except (RuntimeError, OSError) as error:
        sys.exit(f"bench: {error}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
