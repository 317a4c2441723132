#!/usr/bin/env python3
"""What a redirect costs dnsd beside nginx's `return 301`, what idle connections take, and what HTTP costs the DNS.

dnsd and nginx have one core and one thread for it each, wrk the other core; rounds alternate, keep-alive. Then the DNS
thread has a core of its own and dnsd's HTTP thread shares the other one with both generators. Build first:
    cmake --preset bench && cmake --build build/bench --target dnsd load
    tests/bench/redirects.py --bin build/bench/bin
"""
import argparse
import json
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import servers

HOST = "h0000001." + servers.ZONE.rstrip(".")
REQUEST = f"GET /path?query HTTP/1.1\r\nHost: {HOST}\r\n\r\n"


class Dnsd(servers.Dnsd):
    """With a portal."""

    def __init__(self, *args):
        super().__init__(*args)
        self.http = servers.free_port()

    def configure(self):
        command = super().configure()
        text = open(command[-1]).read()
        self.write("dnsd.toml", text + f'[http]\nlisten = "127.0.0.1:{self.http}"\nmax-connections = 20000\n'
                   'max-connections-per-client = 20000\nidle-timeout = "10min"\n')
        return command


class Nginx(servers.Server):
    name = "nginx"

    def __init__(self, *args):
        super().__init__(*args)
        self.http = self.port

    @classmethod
    def version(cls):
        return servers.first_line_of(["nginx", "-v"])

    def configure(self):
        path = self.write("nginx.conf", f"""
worker_processes 1;
daemon off;
pid {self.folder}/nginx.pid;
error_log {self.folder}/error.log;
worker_rlimit_nofile 30000;
events {{ worker_connections 25000; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  server {{
    listen 127.0.0.1:{self.http};
    location / {{ add_header Cache-Control no-store; return 301 http://{HOST}:8001$request_uri; }}
  }}
}}
""")
        return ["nginx", "-c", path, "-p", self.folder]

    def answers(self):
        return redirects(self.http)


def redirects(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 0.5) as sock:
            sock.sendall(REQUEST.encode())
            answer = sock.recv(4096)
    except OSError:
        return False
    return answer.startswith(b"HTTP/1.1 301 ") and f"http://{HOST}:".encode() in answer


def wrk(port, seconds, connections, core):
    """Requests, each answered by a redirect, and the seconds it took."""
    ran = subprocess.run(["taskset", "-c", str(core), "wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "-H",
                          f"Host: {HOST}", f"http://127.0.0.1:{port}/path?query"], capture_output=True, text=True, check=True)
    total = re.search(r"(\d+) requests in ([\d.]+)s", ran.stdout)
    if re.search(r"Socket errors", ran.stdout):
        raise RuntimeError(ran.stdout)
    return int(total.group(1)), float(total.group(2))


def compare(options, ours, peer):
    figures = {server.name: [] for server in (ours, peer)}
    for _ in range(options.rounds):
        for server in (ours, peer):
            before = servers.cpu_seconds(server.process.pid)
            requests, seconds = wrk(server.http, options.seconds, 64, 1)
            figures[server.name].append((requests / (servers.cpu_seconds(server.process.pid) - before), requests / seconds))
    per_cpu = {name: statistics.median(cpu for cpu, _ in rows) for name, rows in figures.items()}
    rate = {name: statistics.median(rate for _, rate in rows) for name, rows in figures.items()}
    for name in figures:
        print(f"{name:6} {per_cpu[name]:9,.0f} redirects a CPU second, {rate[name]:9,.0f}/s")
    print(f"ratio  {per_cpu[ours.name] / per_cpu[peer.name]:.2f} by CPU, {rate[ours.name] / rate[peer.name]:.2f} by rate")


def idle(ours, peer, count):
    for server in (ours, peer):
        before = servers.memory_mib(server.process.pid)
        connections = []
        for _ in range(count):
            sock = socket.create_connection(("127.0.0.1", server.http), 5)
            sock.sendall(REQUEST.encode())
            connections.append(sock)
            if not sock.recv(4096).startswith(b"HTTP/1.1 301 "):
                raise RuntimeError(f"{server.name} did not redirect")
        after = servers.memory_mib(server.process.pid)
        print(f"{server.name:6} {count:,} idle connections: {after - before:.0f} MiB more, {after:.0f} MiB in all")
        for sock in connections:
            sock.close()


def pin_dns(pid, core, other):
    """The thread that answers over UDP to a core of its own; returns its number."""
    udp = None
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/comm") as comm:
            is_udp = comm.read().strip() == "dnsd-udp"
        os.sched_setaffinity(int(thread), {core if is_udp else other})
        udp = thread if is_udp else udp
    return udp


def thread_seconds(pid, thread):
    with open(f"/proc/{pid}/task/{thread}/schedstat") as schedstat:
        return int(schedstat.read().split()[0]) * 1e-9


def dns_beside_http(options, server):
    """Queries a second of the DNS thread's CPU time, with wrk at the portal and without."""
    pid = server.process.pid
    thread = pin_dns(pid, 0, 1)
    figures = {False: [], True: []}
    for _ in range(options.rounds):
        for with_http in (False, True):
            visitors = with_http and subprocess.Popen(
                ["taskset", "-c", "1", "wrk", "-t", "1", "-c", "64", "-d", "600s", "-H", f"Host: {HOST}",
                 f"http://127.0.0.1:{server.http}/"], stdout=subprocess.DEVNULL)
            try:
                before = thread_seconds(pid, thread)
                ran = subprocess.run(["taskset", "-c", "1", os.path.join(options.bin, "load"), "query", "--server",
                                      f"127.0.0.1:{server.port}", "--zone", servers.ZONE, "--hosts", str(options.hosts),
                                      "--seconds", str(options.seconds), "--warm-up", "0"], capture_output=True, text=True,
                                     check=True)
                took = thread_seconds(pid, thread) - before
            finally:
                if visitors:
                    visitors.terminate()
                    visitors.wait()
            figure = json.loads(ran.stdout)
            if figure["wrong"]:
                raise RuntimeError(ran.stderr)
            figures[with_http].append(figure["answers"] / took)
    alone, beside = statistics.median(figures[False]), statistics.median(figures[True])
    print(f"DNS    {alone:,.0f} queries a CPU second of its thread alone, {beside:,.0f} beside HTTP: {beside / alone:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--idle", type=int, default=10000)
    parser.add_argument("--hosts", type=int, default=100000)
    options = parser.parse_args()
    if not (shutil.which("nginx") and shutil.which("wrk")):
        sys.exit("redirects.py: nginx or wrk is missing: tools/setup bench")
    most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    if most_files < options.idle + 1000:
        sys.exit(f"redirects.py: {options.idle} connections need more open files than {most_files} (ulimit -Hn)")
    options.bin = os.path.abspath(options.bin)
    servers.Dnsd.binary = os.path.join(options.bin, "dnsd")
    folder = tempfile.mkdtemp(prefix="dnsd-bench-")
    zone = os.path.join(folder, "zone")
    with open(zone, "w") as out:
        subprocess.run([os.path.join(os.path.dirname(os.path.abspath(__file__)), "make_zone"), str(options.hosts),
                        servers.ZONE], stdout=out, check=True)
    ours, peer = Dnsd(os.path.join(folder, "dnsd"), zone, 0), Nginx(os.path.join(folder, "nginx"), zone, 0)
    try:
        for server in (ours, peer):
            server.start()
            print(f"{server.name}: {server.version()}")
        if not redirects(ours.http):
            raise RuntimeError("dnsd does not redirect")
        compare(options, ours, peer)
        idle(ours, peer, options.idle)
        peer.stop()
        dns_beside_http(options, ours)
    finally:
        for server in (ours, peer):
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
