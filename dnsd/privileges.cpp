#include "dnsd/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "dnsd/server.h"

namespace dnsd {
namespace {

[[noreturn]] void fail(const std::string& user, const std::string& what) {
  throw StartError("cannot become user '" + user + "': " + what);
}

void check(int result, const std::string& user, const char* call) {
  if (result != 0) fail(user, std::string(call) + ": " + std::strerror(errno));
}

}  // namespace

Privileges::Privileges(const std::string& user) : user_(user) {
  if (user.empty()) return;
  constexpr std::size_t BUFFER_OCTETS = 64 * 1024;
  std::vector<char> buffer(BUFFER_OCTETS);
  passwd entry{};
  passwd* found = nullptr;
  const int error = getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (error != 0) fail(user, std::strerror(error));
  if (!found) fail(user, "there is no such user");
  uid_ = found->pw_uid;
  gid_ = found->pw_gid;
  if (geteuid() == uid_) return;
  if (geteuid() != 0) fail(user, "only root can; start as root or remove 'user'");
  change_ = true;
}

void Privileges::become_user() {
  if (!change_) return;
  check(initgroups(user_.c_str(), gid_), user_, "initgroups");
  check(setegid(gid_), user_, "setegid");
  check(seteuid(uid_), user_, "seteuid");
}

void Privileges::regain() {
  if (!change_) return;
  check(seteuid(0), user_, "seteuid");
  check(setegid(0), user_, "setegid");
}

void Privileges::drop() {
  // No program that this one may ever start gains anything.
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (!change_) return;
  check(initgroups(user_.c_str(), gid_), user_, "initgroups");
  check(setresgid(gid_, gid_, gid_), user_, "setresgid");
  check(setresuid(uid_, uid_, uid_), user_, "setresuid");
  uid_t real = 0;
  uid_t effective = 0;
  uid_t saved = 0;
  gid_t real_group = 0;
  gid_t effective_group = 0;
  gid_t saved_group = 0;
  check(getresuid(&real, &effective, &saved), user_, "getresuid");
  check(getresgid(&real_group, &effective_group, &saved_group), user_, "getresgid");
  const bool done = real == uid_ && effective == uid_ && saved == uid_ && real_group == gid_ &&
                    effective_group == gid_ && saved_group == gid_;
  if (!done || (uid_ != 0 && setuid(0) == 0)) fail(user_, "privileges are still there");
}

bool Privileges::stays_root() const { return !change_ && geteuid() == 0; }

}  // namespace dnsd
