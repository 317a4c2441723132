"""The full picture, for tools/quickstart: a host behind a CGN, its name, a visitor who arrives, and arrives again after
the CGN was renumbered.

In network namespaces, with miniupnpd; where they are not permitted, on loopback, with the tests' own PCP server.

    picture.py [--loopback]
"""
import os
import socket
import subprocess
import sys
import threading
import time

import cgn
import pcp_harness
from harness import Process, free_port
from pcp import PcpServer

HOST = pcp_harness.HOST


def start_in_a_user_namespace():
    """Who is not root may be root of namespaces of their own; returns when not even that is permitted."""
    unshare = ["unshare", "--user", "--map-root-user", "--net", "--mount"]
    if subprocess.run([*unshare, "true"], capture_output=True).returncode == 0:
        os.execvp("unshare", [*unshare, sys.executable, "-B", __file__, "--inside"])


class Relay:
    """An external port: what comes in goes to the host."""

    def __init__(self, external, internal):
        self.internal = internal
        self.server = socket.create_server(external)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        # A thread that waits in accept() would go on accepting.
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()

    def _serve(self):
        while True:
            try:
                visitor, _ = self.server.accept()
            except OSError:
                return
            host = socket.create_connection(self.internal)
            for source, sink in ((visitor, host), (host, visitor)):
                threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def _copy(source, sink):
        try:
            while octets := source.recv(65536):
                sink.sendall(octets)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class RelayingPcpServer(PcpServer):
    """Its mappings lead somewhere."""

    def __init__(self, case, **more):
        self.relays = {}
        super().__init__(case, **more)

    def _answer(self, octets, peer):
        answer = super()._answer(octets, peer)
        self._relay()
        return answer

    def _relay(self):
        wanted = {(self.external, port): (peer[0], internal) for (_, internal), (_, port, _, peer, _) in self.mappings.items()}
        for external in self.relays.keys() - wanted.keys():
            self.relays.pop(external).close()
        for external in wanted.keys() - self.relays.keys():
            self.relays[external] = Relay(external, wanted[external])

    def update(self, external=None, port=None):
        with self.lock:
            self.external = external or self.external
            self._relay()
        super().update(external, port)


class InNamespaces(cgn.CgnTest):
    title = "network namespaces, nftables and miniupnpd"
    map = f"host {cgn.HOST} -- {cgn.CGN} CGN 11.0.0.1 -- {cgn.SERVER} dnsd, and a visitor"
    host, port = cgn.HOST, 8000
    addresses = "11.0.0.1", "11.0.0.77"

    def begin(self):
        self.set_up()
        self.dns = [f"@{cgn.SERVER}"]


class OnLoopback(pcp_harness.AgentTest):
    title = "on loopback, with a scripted PCP server"
    host, port = "127.0.0.1", free_port()
    addresses = "127.0.64.1", "127.0.64.77"
    map = f"host {host} -- 127.0.0.2 scripted CGN {addresses[0]} -- 127.0.0.1 dnsd, and a visitor"

    def begin(self):
        server = Process([sys.executable, "-c", cgn.SERVE, self.host, self.port])
        self.addCleanup(server.kill)
        server.wait_for("serving")
        service = pcp_harness.SERVICE.replace("8000", str(self.port)).replace("8001", str(free_port()))
        self.set_up(services=service, external=self.addresses[0], server=RelayingPcpServer)
        self.dns = ["@127.0.0.1", "-p", str(self.dnsd.port)]

    def renumber(self):
        self.pcp.update(external=self.addresses[1])

    def visitor(self, *command):
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def arrive(scene, address):
    """Looks the name up until a visitor arrives there, and tells what it saw."""
    begin = time.monotonic()
    while not (got := cgn.follow(scene.visitor, *scene.dns)) or got[0] != address:
        if time.monotonic() - begin > 30:
            sys.exit(f"no visitor arrived within 30 s\n{scene.agent.log()}")
        time.sleep(0.05)
    seconds = time.monotonic() - begin
    for owner, rtype in ((cgn.WEB, "SRV"), (HOST, "A")):
        print(f"$ dig +short {owner} {rtype}\n  {scene.visitor('dig', *scene.dns, '+short', owner, rtype).strip()}")
    print(f"  {seconds:.1f} s later a visitor connects to {got[0]} port {got[1]}, and gets: {got[2]}")


def show(scene):
    """Of one that has begun."""
    print(f"\nA host behind a CGN ({scene.title}):\n  {scene.map}")
    print(f"$ build/bin/pcp-ddns --config FILE      on the host: its port {scene.port}, please")
    arrive(scene, scene.addresses[0])
    time.sleep(3)
    print(f"the CGN gets another address, {scene.addresses[1]}; the old one is dead")
    scene.renumber()
    arrive(scene, scene.addresses[1])
    print("$ kill $(pidof pcp-ddns)")
    if scene.agent.terminate() != 0 or cgn.follow(scene.visitor, *scene.dns):
        sys.exit(f"the agent did not withdraw the name\n{scene.agent.log()}")
    print("  name and mapping are withdrawn")


def main(options):
    if "--inside" in options:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    elif "--loopback" not in options and os.geteuid():
        start_in_a_user_namespace()
    scene = OnLoopback() if "--loopback" in options else begin_in_namespaces()
    try:
        if isinstance(scene, OnLoopback):
            scene.begin()
        show(scene)
    finally:
        scene.doCleanups()


def begin_in_namespaces():
    """What has begun there, or what is to begin instead."""
    refusal = cgn.why_not()
    if not refusal:
        scene = InNamespaces()
        try:
            scene.begin()
            return scene
        except (AssertionError, subprocess.CalledProcessError) as error:
            scene.doCleanups()
            refusal = str(error)
    print(f"\nNo CGN of network namespaces here: {refusal.strip().splitlines()[0]}")
    return OnLoopback()


if __name__ == "__main__":
    main(sys.argv[1:])
