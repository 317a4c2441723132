// Sends each datagram back, in batches: what UDP itself costs on this machine, and so the limit of
// any server.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr std::size_t BATCH = 64;
constexpr std::size_t MAX_OCTETS = 1500;
std::array<std::array<std::uint8_t, MAX_OCTETS>, BATCH> buffers;
std::array<sockaddr_in, BATCH> peers;
std::array<iovec, BATCH> parts;
std::array<mmsghdr, BATCH> messages;

}  // namespace

int main(int argc, char** argv) {
  const int port = argc == 2 ? std::atoi(argv[1]) : 0;
  if (port < 1 || port > 65535) {
    std::fprintf(stderr, "usage: echo PORT\n");
    return 2;
  }
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    std::perror("echo: bind");
    return 1;
  }
  for (std::size_t i = 0; i < BATCH; ++i) {
    messages[i].msg_hdr.msg_name = &peers[i];
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  for (;;) {
    for (std::size_t i = 0; i < BATCH; ++i) {
      parts[i] = {.iov_base = buffers[i].data(), .iov_len = MAX_OCTETS};
      messages[i].msg_hdr.msg_namelen = sizeof peers[i];
    }
    const int received = recvmmsg(fd, messages.data(), BATCH, MSG_WAITFORONE, nullptr);
    for (int i = 0; i < received; ++i) {
      parts[static_cast<std::size_t>(i)].iov_len = messages[static_cast<std::size_t>(i)].msg_len;
    }
    for (int sent = 0; sent < received;) {
      const int now =
          sendmmsg(fd, messages.data() + sent, static_cast<unsigned>(received - sent), 0);
      if (now <= 0) break;
      sent += now;
    }
  }
}
