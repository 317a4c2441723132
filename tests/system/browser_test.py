"""A browser arrives: Chromium, a resolver (Unbound), dnsd with its portal, and the web server behind a real CGN."""
import os
import shutil
import subprocess
import sys
import time

from cgn import SERVER, CgnTest
from chromium import Chromium
from harness import TIME_LIMIT, main, make_certificate

NAME = "web.h1.dyn.example"
DIRECT = f"direct.{NAME}"
RESOLVER = "127.0.0.1"
UNBOUND = """
server:
    interface: {resolver}
    do-ip6: no
    do-not-query-localhost: no
    username: ""
    chroot: ""
    directory: "{folder}"
    pidfile: "{folder}/unbound.pid"
    use-syslog: no
    logfile: ""
    log-queries: yes
    module-config: "iterator"
    cache-max-negative-ttl: 1
stub-zone:
    name: dyn.example
    stub-addr: {server}
"""
WEB = """
import http.server, ssl, sys
class Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"<!doctype html><title>arrived</title><p>arrived at {self.path}, asked as {self.headers['Host']}</p>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Web)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print("serving", flush=True)
server.serve_forever()
"""
SERVICE = f"""
    [[service]]
    host = "{NAME}."
    type = "{{type}}"
    port = {{port}}
    external-port = {{port}}
    portal = true
"""


class Browser(CgnTest):
    def start_dnsd(self):
        folder = self.dnsd.folder
        certificate, self.key = os.path.join(folder, "web.crt"), os.path.join(folder, "web.key")
        make_certificate(certificate, self.key, f"DNS:{NAME}", f"DNS:{DIRECT}")
        self.certificate = certificate
        with open(self.dnsd.config, "a") as config:
            config.write(f'[http]\nlisten = "{SERVER}:80"\naddresses = ["{SERVER}"]\n')
            if self.tls:
                config.write(f'tls-listen = "{SERVER}:443"\ncertificate = "web.crt"\nkey = "web.key"\n')
        super().start_dnsd()

    def before_the_agent(self):
        files = [self.certificate, self.key] if self.tls else []
        self.launch("host", sys.executable, "-c", WEB, "0.0.0.0", self.port, *files).wait_for("serving")

    def set_up_web(self, tls):
        self.tls = tls
        self.port = 8443 if tls else 8080
        self.set_up(provider=f'server = "{SERVER}"\nportal = ["{SERVER}"]\nttl = 2',
                    service=SERVICE.format(type="_https._tcp" if tls else "_http._tcp", port=self.port))
        config = self.dnsd.write("unbound.conf", UNBOUND.format(resolver=RESOLVER, folder=self.dnsd.folder, server=SERVER))
        # AppArmor lets Debian's unbound read its own folders only: a copy may.
        binary = shutil.copy(shutil.which("unbound"), self.dnsd.folder)
        self.unbound = self.launch("inet", binary, "-d", "-c", config)
        self.unbound.wait_for("start of service")
        self.resolv_conf = self.dnsd.write("visitor.conf", f"nameserver {RESOLVER}\n")
        self.wait_for_address("11.0.0.1")

    def wait_for_address(self, address):
        """Of the host, in the DNS."""
        ends = time.monotonic() + TIME_LIMIT
        while self.visitor("dig", f"@{SERVER}", "+short", DIRECT, "A").strip() != address:
            self.assertLess(time.monotonic(), ends, self.agent.log())
            time.sleep(0.1)

    def command(self, *words):
        """In the visitor's namespace, where that resolver is the machine's."""
        return self.net.command("inet", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', self.resolv_conf, *words)

    def arrive(self, url):
        """A new visitor goes there, again while a cache has what was; the page, and the URLs on the way to it."""
        key = subprocess.run(f"openssl pkey -in {self.key} -pubout -outform der | openssl dgst -sha256 -binary | base64",
                             shell=True, check=True, capture_output=True, text=True).stdout.strip()
        # It would give the HTTPS record 50 ms more than the address takes; a busy machine needs them.
        browser = Chromium(self, f"--ignore-certificate-errors-spki-list={key}",
                           "--enable-features=UseDnsHttpsSvcb:UseDnsHttpsSvcbInsecureExtraTimeMin/30s/"
                           "UseDnsHttpsSvcbInsecureExtraTimeMax/30s", command=self.command)
        ends = time.monotonic() + TIME_LIMIT
        while error := browser.visit(url):
            self.assertLess(time.monotonic(), ends, f"{error}\n{browser.way()}\n{self.unbound.log()[-3000:]}\n{self.agent.log()}")
            time.sleep(0.5)
        arrived = browser.evaluate("document.body.innerText"), browser.way()
        browser.close()
        return arrived

    def test_arrives_and_again_after_renumbering(self):
        self.set_up_web(tls=False)
        there = f"http://{DIRECT}:8080/cam?x=1"
        arrived = f"arrived at /cam?x=1, asked as {DIRECT}:8080"
        page, way = self.arrive(f"http://{NAME}/cam?x=1")
        self.assertEqual((page, way), (arrived, [f"http://{NAME}/cam?x=1", there]))
        # It had asked for HTTPS records (RFC 9460) before it trusted the address.
        self.unbound.wait_for(rf"127\.0\.0\.1 {NAME}\. (HTTPS|TYPE65) IN")
        time.sleep(3)  # an epoch that was younger would begin again unnoticed (RFC 6887 8.5)
        self.renumber()
        begin = time.monotonic()
        self.wait_for_address("11.0.0.77")
        page, way = self.arrive(f"http://{NAME}/cam?x=1")
        print(f"Chromium arrives {time.monotonic() - begin:.1f} s after the CGN was renumbered")
        self.assertEqual((page, way), (arrived, [f"http://{NAME}/cam?x=1", there]))

    def test_https_record_where_the_portal_has_a_certificate(self):
        self.set_up_web(tls=True)
        one = self.dnsd.keys[0]
        self.net.run("inet", "nsupdate", "-y", f"{one.algorithm}:{one.name}:{one.secret}",
                     input=f"server {SERVER}\nzone dyn.example.\nadd {NAME}. 2 HTTPS 1 {DIRECT}. port=8443\nsend\n")
        # Chromium does not follow another port, but takes the record for a promise of HTTPS: it comes to the portal's port 443.
        # When the record comes later than it waits for, it comes to port 80 and arrives as well.
        wanted = [f"http://{NAME}/cam", f"https://{NAME}/cam", f"https://{DIRECT}:8443/cam"]
        ends = time.monotonic() + TIME_LIMIT
        while True:
            page, way = self.arrive(wanted[0])
            self.assertEqual(page, f"arrived at /cam, asked as {DIRECT}:8443")
            if way == wanted:
                break
            self.assertEqual(way, [wanted[0], wanted[2]])
            self.assertLess(time.monotonic(), ends, self.unbound.log()[-3000:])
        self.unbound.wait_for(rf"127\.0\.0\.1 {NAME}\. (HTTPS|TYPE65) IN")


if __name__ == "__main__":
    main()
