"""kill -9: what was answered NOERROR is there, the serial never goes back, and the journal tells the whole zone."""
import asyncio
import os
import shutil
import time

import dns
from harness import BIN, Dnsd, SystemTest, ZONE, main, octets_of, records_of, run

CLIENTS = 100
UPDATES = int(os.environ.get("DNSD_CRASH_UPDATES", "10000"))
KILLS = 20


class Socket(asyncio.DatagramProtocol):
    """One client's socket: a future for the answer that it waits for."""

    def __init__(self):
        self.wanted = None
        self.answer = None

    def datagram_received(self, octets, _):
        if self.answer and not self.answer.done() and octets[:2] == self.wanted:
            self.answer.set_result(octets)

    def error_received(self, error):
        # The server is dead: ECONNREFUSED.
        if self.answer and not self.answer.done():
            self.answer.set_exception(error)


class Storm:
    """Clients that update without a pause, and the kills between."""

    def __init__(self, case, dnsd):
        self.case = case
        self.dnsd = dnsd
        self.up = asyncio.Event()
        self.dead = asyncio.Event()
        self.acknowledged = 0
        self.in_flight = 0
        self.in_flight_at_kills = 0
        self.kills = 0
        self.planned_kills = 0
        self.sends_until_kill = None
        self.serial = 0
        self.retries = 0
        self.certain = {}  # what has been acknowledged, by owner and type

    async def open_socket(self):
        transport, client = await asyncio.get_running_loop().create_datagram_endpoint(
            Socket, remote_addr=("127.0.0.1", self.dnsd.port))
        client.transport = transport
        return client

    async def ask(self, client, octets):
        """One try; None when no answer comes."""
        client.wanted, client.answer = octets[:2], asyncio.get_running_loop().create_future()
        self.in_flight += 1
        try:
            client.transport.sendto(octets)
            return await asyncio.wait_for(client.answer, 2)
        except (OSError, asyncio.TimeoutError):
            # Lets others run: the socket may report the old server's death at once, again and again.
            await asyncio.sleep(0)
            return None
        finally:
            self.in_flight -= 1

    async def transact(self, client, changes):
        """Sends until a signed NOERROR comes, each time anew."""
        while True:
            await self.up.wait()
            octets, mac = self.dnsd.keys[0].sign(dns.update(ZONE, changes))
            asked = asyncio.ensure_future(self.ask(client, octets))
            await asyncio.sleep(0)  # it is sent
            self.maybe_kill()
            answer = await asked
            if answer is None or dns.Message(answer).rcode == "SERVFAIL":  # the latter when its queue is full
                self.retries += 1
                continue
            self.case.assertEqual(dns.Message(answer).rcode, "NOERROR")
            self.case.assertTrue(self.dnsd.keys[0].is_valid(answer, mac))
            return

    def plan_kill(self):
        """Spreads the kills over the updates. One at a time: answers come in after a strike as well."""
        due = self.acknowledged >= UPDATES * (self.planned_kills + 1) // (KILLS + 1)
        if due and self.planned_kills < KILLS and self.sends_until_kill is None and self.planned_kills == self.kills:
            self.sends_until_kill = 1 + 7 * self.planned_kills % CLIENTS
            self.planned_kills += 1

    def maybe_kill(self):
        """Strikes some sends after the moment is due, so that updates are in flight, a different number each time."""
        if self.sends_until_kill is None:
            return
        self.sends_until_kill -= 1
        if self.sends_until_kill <= 0:
            self.sends_until_kill = None
            self.in_flight_at_kills += self.in_flight
            self.dnsd.running.process.kill()
            self.up.clear()
            self.dead.set()

    async def client(self, number):
        client = await self.open_socket()
        host = f"c{number:02d}.{ZONE}"
        for step in range(UPDATES // CLIENTS):
            address = f"10.{number}.{step >> 8}.{step & 255}"
            unique = f"u{step}.{host}"
            changes = [dns.delete_rrset(host, "A"), dns.add(host, 60, "A", address),
                       dns.add(unique, 60, "TXT", f"step{step}")]
            if step % 5 == 4:
                changes.append(dns.delete_name(f"u{step - 2}.{host}"))
            await self.transact(client, changes)
            self.certain[(host, "A")] = address
            self.certain[(unique, "TXT")] = f'"step{step}"'
            if step % 5 == 4:
                del self.certain[(f"u{step - 2}.{host}", "TXT")]
            self.acknowledged += 1
            self.plan_kill()
        client.transport.close()

    async def nurse(self):
        """Starts the server again after each kill."""
        while self.kills < KILLS:
            await self.dead.wait()
            self.dead.clear()
            await asyncio.to_thread(self.dnsd.running.wait)
            await asyncio.to_thread(self.dnsd.start)
            self.kills += 1
            self.up.set()

    async def watcher(self):
        """Asks for the serial all the time: it never goes back."""
        client = await self.open_socket()
        while self.acknowledged < UPDATES:
            await self.up.wait()
            answer = await self.ask(client, dns.query(ZONE, "SOA"))
            if answer is not None:
                serial = dns.Message(answer).serial()
                self.case.assertGreaterEqual(serial, self.serial)
                self.serial = serial
        client.transport.close()

    async def run(self):
        self.up.set()
        await asyncio.gather(self.nurse(), self.watcher(), *(self.client(number) for number in range(CLIENTS)))


class Crash(SystemTest):
    def test_10000_updates_while_kill_strikes_20_times(self):
        dnsd = Dnsd(self).start()
        first_serial = dnsd.serial()
        storm = Storm(self, dnsd)
        started = time.monotonic()
        asyncio.run(storm.run())
        print(f"{storm.acknowledged} updates of {CLIENTS} clients, {KILLS} kills, "
              f"{storm.in_flight_at_kills} requests in flight at them, {storm.retries} sent again, "
              f"{time.monotonic() - started:.1f} s", flush=True)
        self.assertEqual(storm.acknowledged, UPDATES)
        self.assertEqual(storm.kills, KILLS)
        self.assertGreater(dnsd.serial(), first_serial)
        self.assertGreaterEqual(dnsd.serial(), storm.serial)

        def check():
            lines = dnsd.axfr()
            there = {}
            for line in lines:
                owner, _, _, rtype, data = line.split(" ", 4)
                there[(owner, rtype)] = data
            for what, data in storm.certain.items():
                self.assertEqual(there.get(what), data, what)
            hosts = [what for what in there if ".c" in what[0] or what[0].startswith("c")]
            self.assertEqual(len(hosts), len(storm.certain))
            return lines

        zone = check()
        # Once more, and the store as the dead server left it: its journal, replayed by another program, is the zone.
        dnsd.kill()
        copy = os.path.join(dnsd.folder, "copy")
        os.mkdir(copy)
        for name in os.listdir(dnsd.folder):
            if name.startswith("dnsd.sqlite"):
                shutil.copy(os.path.join(dnsd.folder, name), copy)
        status, text = run([os.path.join(BIN, "dnsdctl"), "zone", "export", "--store",
                            os.path.join(copy, "dnsd.sqlite"), ZONE])
        self.assertEqual(status, 0, text)
        dnsd.start()
        self.assertEqual(check(), zone)
        self.assertEqual(records_of(text), zone)
        dnsd.stop()
        dnsd.start()
        self.assertEqual(check(), zone)

    def test_killed_while_it_imports_and_while_it_loads(self):
        hosts = 50_000
        text = "$ORIGIN dyn.example.\n$TTL 60\n@ 3600 IN SOA ns hostmaster 1 3600 600 604800 60\n@ IN NS ns\n"
        text += "".join(f"h{i:05d} A 100.64.{i >> 8}.{i & 255}\nh{i:05d} TXT \"{i}\"\n_http._tcp.h{i:05d} SRV 0 0 "
                        f"{1024 + i} h{i:05d}\n" for i in range(hosts)) + "ns A 127.0.0.1\n"
        dnsd = Dnsd(self, zone_text=text)
        # In the middle of the import: when the store has begun to grow.
        self.kill_when(dnsd, lambda _: self.store_octets(dnsd) >= 200_000, lambda: self.remove_store(dnsd))
        dnsd.start()
        zone = dnsd.axfr()
        self.assertEqual(len(zone), 3 * hosts + 3)
        # Updates that the checkpoint need not have caught up with.
        for i in range(0, hosts, 500):
            answer = dnsd.update(dns.delete_rrset(f"h{i:05d}.{ZONE}", "A"),
                                 dns.add(f"h{i:05d}.{ZONE}", 60, "A", "192.0.2.1"), dns.delete_rrset(
                                     f"h{i + 1:05d}.{ZONE}", "TXT"))
            self.assertEqual(answer.rcode, "NOERROR")
        zone = dnsd.axfr()
        dnsd.kill()
        # In the middle of loading: the store is open, and the server not yet ready.
        self.kill_when(dnsd, lambda process: self.has_open(process.pid, "dnsd.sqlite"))
        started = time.monotonic()
        dnsd.start()
        print(f"{hosts} hosts ready after a kill in {time.monotonic() - started:.2f} s", flush=True)
        self.assertEqual(dnsd.axfr(), zone)

    def kill_when(self, dnsd, is_due, undo=lambda: None):
        """Kills it at a moment before it is ready; anew when a busy machine let that moment pass unseen."""
        for _ in range(20):
            process = dnsd.launch()
            while process.process.poll() is None and not is_due(process):
                os.sched_yield()
            ended_by_itself = process.process.poll() is not None
            dnsd.kill()
            self.assertFalse(ended_by_itself, process.log())
            if "ready" not in process.log():
                return
            undo()
        self.fail("it was ready before each kill")

    @staticmethod
    def remove_store(dnsd):
        for path in (dnsd.store, dnsd.store + "-wal", dnsd.store + "-shm"):
            if os.path.exists(path):
                os.remove(path)

    @staticmethod
    def store_octets(dnsd):
        return octets_of(dnsd.store) + octets_of(dnsd.store + "-wal")

    @staticmethod
    def has_open(pid, name):
        try:
            return any(os.readlink(f"/proc/{pid}/fd/{fd}").endswith(name) for fd in os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            return False


if __name__ == "__main__":
    main()
