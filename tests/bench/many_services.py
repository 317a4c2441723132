#!/usr/bin/env python3
"""A thousand services in one agent: how long until every name is right, at the start and after each kind of restart.

The PCP server is scripted; each time it has lost its mappings and gives another address. Right means that TXT of every
service and A of every host are of the mapping that there is now. Build first:
    cmake --preset release && cmake --build --preset release --target dnsd pcp-ddns
    tests/bench/many_services.py --bin build/bin
"""
import argparse
import shutil
import tempfile
import time

from changed_mapping import ZONE, Scene, dns

PER_HOST = 10


def host_of(number):
    return f"h{number // PER_HOST}.{ZONE}"


def owner_of(number):
    return f"_s{number % PER_HOST}._tcp.{host_of(number)}"


class Crowd:
    def __init__(self, scene, services):
        self.scene, self.services = scene, services
        self.address = scene.pcp.external

    def move(self):
        """The PCP server restarts with another address, and says nothing; its epoch has come far enough for that to show."""
        time.sleep(max(0, 5 - self.scene.pcp.epoch()))
        self.address = f"203.0.113.{int(self.address.rpartition('.')[2]) % 250 + 1}"
        self.scene.pcp.restart(external=self.address)

    def record(self, owner, rtype):
        octets = dns.query(owner, rtype)
        try:
            self.scene.sock.send(octets)
            answer = self.scene.sock.recv(4096)
            while answer[:2] != octets[:2]:
                answer = self.scene.sock.recv(4096)
        except OSError:
            return None
        records = dns.Message(answer).answer
        return records[0].data if len(records) == 1 else None

    def wait(self, what):
        begin = time.monotonic()
        wrong = {}
        for number in range(self.services):
            text = f"endpoint={self.address}:{10_000 + number}"
            wrong[owner_of(number), "TXT"] = dns.rdata("TXT", text)
            wrong[host_of(number), "A"] = dns.rdata("A", self.address)
        while wrong:
            if time.monotonic() - begin > 300:
                raise SystemExit(f"{what}: {len(wrong)} RRsets are still wrong after five minutes, as {next(iter(wrong))}")
            for (owner, rtype), data in list(wrong.items()):
                if self.record(owner, rtype) != data:
                    break  # the others can wait as well
                del wrong[owner, rtype]
            else:
                continue
            time.sleep(0.01)
        print(f"{what}: {time.monotonic() - begin:.2f} s", flush=True)


def memory(process):
    with open(f"/proc/{process.pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/bin")
    parser.add_argument("--services", type=int, default=1000)
    options = parser.parse_args()
    services = "".join(f'[[service]]\nhost = "{host_of(number)}"\ntype = "_s{number % PER_HOST}._tcp"\nport = {10_000 + number}\n'
                       for number in range(options.services))
    folder = tempfile.mkdtemp(prefix="dnsd-bench-")
    try:
        with Scene(folder, options.bin, services) as scene:
            crowd = Crowd(scene, options.services)
            server = scene.start("dnsd", "dnsd.toml")
            server.wait_for("ready: ")
            agent = scene.start("pcp-ddns", "agent.toml")
            crowd.wait("first start")
            print(f"the agent's memory: {memory(agent):.1f} MiB")
            agent.kill()
            crowd.move()
            agent = scene.start("pcp-ddns", "agent.toml")
            crowd.wait("the agent killed and started again, the CGN restarted meanwhile")
            crowd.move()
            scene.pcp.announce()
            crowd.wait("the CGN restarted, and said so (a wait of up to 5 s at random, RFC 6887 14.1.3)")
            server.kill()
            crowd.move()
            scene.pcp.announce()
            scene.pcp.wait_for(lambda pcp: len(pcp.mappings) == options.services)
            time.sleep(2)
            server = scene.start("dnsd", "dnsd.toml")
            server.wait_for("ready: ")
            crowd.wait("dnsd killed and started again, the CGN restarted meanwhile; from when dnsd was ready")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
