"""DNS cookies as dig has them, and as servers that share a secret agree on them."""
import os
import re
import signal

from harness import Dnsd, SystemTest, main

SECRETS = ["e5e973e5a6b2a43f48e7dc849e37bfcf", "445536bcd2513298075a5d379663c962"]
CLIENT = "2464c4abcf10c957"


class Cookies(SystemTest):
    def server(self, secrets=None):
        dnsd = Dnsd(self, tables='[cookies]\nsecret-file = "cookies"\n' if secrets else "")
        if secrets:
            os.chmod(dnsd.write("cookies", "# of the anycast\n" + "\n".join(secrets) + "\n"), 0o600)
        return dnsd.start()

    def cookie(self, dnsd, sent=CLIENT, name="www.dyn.example"):
        """What dig shows of the answer's cookie, which it must find good."""
        text = dnsd.dig(f"+cookie={sent}", name, "A")
        found = re.search(r"; COOKIE: ([0-9a-f]+) \(good\)", text)
        self.assertIsNotNone(found, text)
        self.assertIn("status: NOERROR", text)
        self.assertIn("192.0.2.80", text)
        return found.group(1)

    def test_dig(self):
        dnsd = self.server()
        self.assertIn("192.0.2.80", dnsd.dig("www.dyn.example", "A"))  # its own cookie
        self.assertNotIn("COOKIE", dnsd.dig("+nocookie", "www.dyn.example", "A"))
        cookie = self.cookie(dnsd)
        self.assertEqual((len(cookie), cookie[:16], cookie[16:24]), (48, CLIENT, "01000000"))
        self.assertEqual(self.cookie(dnsd, cookie), cookie)
        forged = cookie[:-1] + ("0" if cookie[-1] != "0" else "1")
        self.assertNotEqual(self.cookie(dnsd, forged), forged)
        self.assertIn("status: FORMERR", dnsd.dig("+ednsopt=10:01020304050607", "+nocookie", "www.dyn.example", "A"))
        # A new secret at each start, but not at a reload.
        dnsd.running.process.send_signal(signal.SIGHUP)
        dnsd.running.wait_for("reloaded")
        self.assertEqual(self.cookie(dnsd, cookie), cookie)
        dnsd.stop()
        dnsd.start()
        self.assertNotEqual(self.cookie(dnsd, cookie), cookie)
        dnsd.stop()

    def test_servers_that_share_a_secret(self):
        first, second, third = self.server(SECRETS[:1]), self.server(SECRETS[:1]), self.server(SECRETS[::-1])
        cookie = self.cookie(first)
        self.assertEqual(self.cookie(second, cookie), cookie)
        # The third accepts the old secret, and makes cookies with the new one.
        renewed = self.cookie(third, cookie)
        self.assertNotEqual(renewed, cookie)
        self.assertEqual(self.cookie(third, renewed), renewed)
        # The operator rolls the secret over: known first, then used.
        second.write("cookies", "\n".join(SECRETS) + "\n")
        second.running.process.send_signal(signal.SIGHUP)
        second.running.wait_for("reloaded")
        self.assertEqual(self.cookie(second, cookie), cookie)
        for dnsd in (first, second, third):
            self.assertNotIn(SECRETS[0], dnsd.running.log())
            dnsd.stop()

    def test_a_secret_file_with_a_fault(self):
        dnsd = Dnsd(self, tables='[cookies]\nsecret-file = "cookies"\n')
        dnsd.write("cookies", SECRETS[0] + "\n" + SECRETS[1][:-1] + "\n")
        running = dnsd.launch()
        running.wait_for("cookies: line 2 is not a secret of 32 hexadecimal digits")
        self.assertNotEqual(running.wait(), 0)
        self.assertNotIn(SECRETS[1][:16], running.log())


if __name__ == "__main__":
    main()
